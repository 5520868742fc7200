package metajson_test

import (
	"encoding/json"
	"fmt"

	"igconnect/lib/metajson"
)

// The same values in two of the ways in which Meta writes them.
func Example() {
	for _, body := range []string{
		`{"id": "17841400000000001", "time": 1668022334, "expires_in": "5183944"}`,
		`{"id": 17841400000000001, "time": "1668022334000", "expires_in": 5183944}`,
	} {
		var answer struct {
			ID        metajson.ID      `json:"id"`
			Time      metajson.Moment  `json:"time"`
			ExpiresIn metajson.Seconds `json:"expires_in"`
		}
		if err := json.Unmarshal([]byte(body), &answer); err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(answer.ID, answer.Time.Or(""), answer.ExpiresIn.Duration())
	}
	// Output:
	// 17841400000000001 2022-11-09 19:32:14 +0000 UTC 1439h59m4s
	// 17841400000000001 2022-11-09 19:32:14 +0000 UTC 1439h59m4s
}

// An escaped NUL is valid JSON that no column of type jsonb takes.
func ExampleStorable() {
	fmt.Println(string(metajson.Storable([]byte(`{"name": "Ceramics\u0000"}`))))
	// Output: {"name": "Ceramics\ufffd"}
}
