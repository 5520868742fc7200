package appsim

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// account is one of those that igconnect lists.
type account struct {
	InstagramID string `json:"instagram_id"`
	Username    string `json:"username"`
	Status      string `json:"status"`
}

// accounts asks igconnect, from server to server, what a person has connected: with a ticket
// where the app signs them, else with a JWT.
func (a *App) accounts(ctx context.Context, person Person) ([]account, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, a.Server+"/api/accounts", nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+a.serverToken(person))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("igconnect answered %d %s", response.StatusCode, response.Header.Get("X-Error-Code"))
	}
	var answer struct{ Accounts []account }
	err = json.NewDecoder(io.LimitReader(response.Body, 1<<20)).Decode(&answer)
	return answer.Accounts, err
}

func (a *App) serverToken(person Person) string {
	if a.Secret != "" {
		return a.ServerTicket(person.ID)
	}
	return a.Provider.Token(person.ID)
}
