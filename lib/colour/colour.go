// Package colour calculates with colours as pages need it: how well one reads on
// another, and shades between two.
package colour

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// Colour is red, green and blue in sRGB.
type Colour [3]uint8

// White and Black are the ends.
var (
	White = Colour{255, 255, 255}
	Black = Colour{}
)

var notation = regexp.MustCompile(`^#([0-9A-Fa-f]{3}|[0-9A-Fa-f]{6})$`)

// Parse reads #rgb and #rrggbb, and reports whether text is one of them.
func Parse(text string) (c Colour, ok bool) {
	if !notation.MatchString(text) {
		return c, false
	}
	digits, width := text[1:], len(text)/3
	for i := range c {
		pair := strings.Repeat(digits[i*width:(i+1)*width], 3-width)
		channel, _ := strconv.ParseUint(pair, 16, 8) // the pattern fits
		c[i] = uint8(channel)
	}
	return c, true
}

// String is #rrggbb.
func (c Colour) String() string { return fmt.Sprintf("#%02x%02x%02x", c[0], c[1], c[2]) }

// Mixed is c with a share of another colour, from 0 to 1.
func (c Colour) Mixed(with Colour, share float64) Colour {
	for i := range c {
		c[i] = uint8(math.Round(float64(c[i])*(1-share) + float64(with[i])*share))
	}
	return c
}

// Readable is the contrast that text needs.
// https://www.w3.org/TR/WCAG22/#contrast-minimum
const Readable = 4.5

// Contrast is how well one colour reads on the other, from 1 to 21.
// https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio
func Contrast(a, b Colour) float64 {
	first, second := luminance(a), luminance(b)
	return (max(first, second) + 0.05) / (min(first, second) + 0.05)
}

// https://www.w3.org/TR/WCAG22/#dfn-relative-luminance
func luminance(c Colour) (sum float64) {
	for i, weight := range [3]float64{0.2126, 0.7152, 0.0722} {
		channel := float64(c[i]) / 255
		if channel <= 0.04045 {
			sum += weight * channel / 12.92
		} else {
			sum += weight * math.Pow((channel+0.055)/1.055, 2.4)
		}
	}
	return sum
}
