package webhook_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"

	"igconnect/lib/secret"
	"igconnect/lib/webhook"
)

// A delivery is verified before anything of it is read.
func ExampleVerifySignature() {
	secrets := []secret.String{secret.New("the app secret"), secret.New("the one before")}
	body := []byte(`{"object":"instagram","entry":[{"id":"17841400000000001","time":1668022334,"messaging":[{` +
		`"sender":{"id":"561"},"recipient":{"id":"17841400000000001"},"timestamp":1668022333735,` +
		`"message":{"mid":"aWdf","text":"Is it still available?"}}]}]}`)
	mac := hmac.New(sha256.New, []byte("the app secret"))
	mac.Write(body)
	header := http.Header{"X-Hub-Signature-256": {"sha256=" + hex.EncodeToString(mac.Sum(nil))}}

	if !webhook.VerifySignature(body, header.Get("X-Hub-Signature-256"), secrets) {
		fmt.Println("not from Meta")
		return
	}
	events, err := webhook.ParseDelivery(body)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, event := range events {
		fmt.Println(event.Kind, "for", event.Account, "from", event.Counterpart, "at", event.Occurred)
	}
	// Output: message for 17841400000000001 from 561 at 2022-11-09 19:32:13.735 +0000 UTC
}
