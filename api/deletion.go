package api

import (
	"net/http"
	"time"

	"igconnect/lib/config"
	"igconnect/lib/web"
)

// Deletion is /api/deletion: Meta asks to erase a person's data, and the person
// looks what became of that.
func Deletion(w http.ResponseWriter, r *http.Request) {
	web.Serve(w, r, web.Route{
		Name: "deletion", Needs: config.Erasures, Limit: 8 * time.Second, API: r.Method == http.MethodPost,
		Methods: map[string]web.Handler{http.MethodGet: showErasure, http.MethodPost: erasePerson},
	})
}

func erasePerson(r *web.Request) (web.Response, error) {
	request, err := r.SignedRequest()
	if err != nil {
		return web.Response{}, err
	}

	// 1. The connections and their tokens go at once, and no event is shown or handed out from then on.
	record, err := r.App.Store.Erase(r.Context(), request.PersonID, request.Code)
	if err != nil {
		return web.Response{}, err
	}

	// 2. The events go for as long as Meta waits. The daily job does the rest.
	if record.Finished == nil {
		deleted, err := r.App.Store.DeleteRemoved(r.Context(), 2*time.Second)
		r.Note("removed", deleted)
		if err != nil {
			r.Note("not_removed", err.Error())
		}
	}
	return web.JSON(http.StatusOK, map[string]string{
		"url": r.App.Config.Origin + "/api/deletion?code=" + request.Code.String(), "confirmation_code": request.Code.String(),
	}), nil
}

func showErasure(r *web.Request) (web.Response, error) {
	record, err := r.App.Store.Erasure(r.Context(), r.URL.Query().Get("code"))
	if err != nil {
		return web.Response{}, err
	}
	return web.Erased(record), nil
}
