package metasim

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"errors"
	"strings"
)

// form is the dialog's form as its page shows it: the inputs, in order.
type form []input

type input struct {
	kind, name, value string
	checked, disabled bool
}

// readForm reads the inputs out of the dialog's page. The page is well-formed
// XML as well as HTML, which spares a parser of HTML.
func readForm(page []byte) (form, error) {
	var f form
	inForm := false
	d := htmlDecoder(page)
	for {
		t, err := d.Token()
		if err != nil {
			break // at the end, or where it stops being the dialog's page
		}
		start, ok := t.(xml.StartElement)
		if !ok {
			continue
		}
		inForm = inForm || start.Name.Local == "form"
		if inForm && start.Name.Local == "input" {
			f = append(f, newInput(start.Attr))
		}
	}
	if !inForm {
		return nil, errors.New("there is no form on the page")
	}
	return f, nil
}

func newInput(attributes []xml.Attr) input {
	var in input
	for _, a := range attributes {
		switch a.Name.Local {
		case "type":
			in.kind = a.Value
		case "name":
			in.name = a.Value
		case "value":
			in.value = a.Value
		case "checked":
			in.checked = true
		case "disabled":
			in.disabled = true
		}
	}
	return in
}

// problemText returns the text of an error page of the dialog.
func problemText(page []byte) string {
	d := htmlDecoder(page)
	for {
		t, err := d.Token()
		if err != nil {
			return "not a page of the dialog"
		}
		start, ok := t.(xml.StartElement)
		if !ok || start.Name.Local != "p" {
			continue
		}
		var p struct {
			ID   string `xml:"id,attr"`
			Text string `xml:",chardata"`
		}
		if d.DecodeElement(&p, &start) == nil && p.ID == "problem" {
			return cmp.Or(strings.TrimSpace(p.Text), "an empty error page")
		}
	}
}

func htmlDecoder(page []byte) *xml.Decoder {
	d := xml.NewDecoder(bytes.NewReader(page))
	d.Strict = false
	d.Entity = xml.HTMLEntity
	return d
}
