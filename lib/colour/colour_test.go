package colour

import (
	"math"
	"testing"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"#0c5c4c": "#0c5c4c", "#ABCDEF": "#abcdef", "#fff": "#ffffff", "#1aF": "#11aaff", "#000": "#000000",
		"": "", "#": "", "0c5c4c": "", "#0c5c4": "", "#0c5c4cff": "", "#ffff": "", "#ggg": "", "red": "", "red;}": "", "#fff;}": "", "#fff\n": "",
		" #fff": "", "#ＦＦＦ": "", "rgb(0,0,0)": "",
	} {
		c, ok := Parse(text)
		if ok != (want != "") || ok && c.String() != want {
			t.Errorf("Parse(%q) = %s, %v; want %q", text, c, ok, want)
		}
	}
}

// The values are those of WCAG's own examples and of the colour checkers that are built on it.
func TestContrast(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]float64{"#000": 21, "#fff": 1, "#767676": 4.54, "#777": 4.48, "#f00": 4.00, "#00f": 8.59, "#0f0": 1.37} {
		c, _ := Parse(text)
		if got := Contrast(c, White); math.Abs(got-want) > 0.005 || got != Contrast(White, c) {
			t.Errorf("%s on white has %.3f, want %.2f", text, got, want)
		}
	}
}

func TestMixed(t *testing.T) {
	t.Parallel()
	for share, want := range map[float64]string{0: "#000000", 0.5: "#808080", 1: "#ffffff"} {
		if got := Black.Mixed(White, share).String(); got != want {
			t.Errorf("black with %.1f of white is %s, want %s", share, got, want)
		}
	}
}
