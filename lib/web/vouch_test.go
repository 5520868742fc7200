package web

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestValuesOf(t *testing.T) {
	t.Parallel()
	for query, want := range map[string][]string{
		"":                                   nil,
		"ticke=a&xticket=b&TICKET=c":         nil,
		"ticket":                             {""},
		"ticket=":                            {""},
		"a=1&ticket=x.y.z":                   {"x.y.z"},
		"ticket=a&ticket=b":                  {"a", "b"},
		"%74icket=a%2Bb+c":                   {"a+b c"},
		"ticket=%zz":                         {"%zz"},
		"ticket=a;b":                         {"a;b"},
		"return_to=%2F%3Fticket%3Da;ticket=": nil,
	} {
		if diff := cmp.Diff(want, valuesOf(query, "ticket")); diff != "" {
			t.Errorf("%s: %s", query, diff)
		}
	}
}
