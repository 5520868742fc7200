package api

import (
	"net/http"
	"time"

	"igconnect/lib/app"
	"igconnect/lib/config"
)

// Deletion is /api/deletion: Meta asks to erase a person's data, and the person
// looks what became of that.
func Deletion(w http.ResponseWriter, r *http.Request) {
	app.Serve(w, r, app.Route{
		Name: "deletion", Needs: config.Erasures, Limit: 8 * time.Second, API: r.Method == http.MethodPost,
		Methods: map[string]app.Handler{http.MethodGet: showErasure, http.MethodPost: erasePerson},
	})
}

func erasePerson(c *app.Call) error {
	request, err := c.SignedRequest()
	if err != nil {
		return err
	}
	if err := c.Store.Erase(c.R.Context(), request.PersonID, request.Code); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, map[string]string{
		"url": c.Config.Origin + "/api/deletion?code=" + request.Code.String(), "confirmation_code": request.Code.String(),
	})
}

func showErasure(c *app.Call) error {
	return c.ShowErasure(c.R.URL.Query().Get("code"))
}
