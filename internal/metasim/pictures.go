package metasim

import (
	"fmt"
	"hash/fnv"
	"html"
	"net/http"
	"path"
	"strings"
)

const avatar = `<svg xmlns="http://www.w3.org/2000/svg" width="160" height="160" viewBox="0 0 160 160">` +
	`<rect width="160" height="160" fill="hsl(%d 55%% 42%%)"/>` +
	`<text x="80" y="104" font-family="system-ui,sans-serif" font-size="72" font-weight="600" fill="#fff" text-anchor="middle">%s</text></svg>`

// picture serves /pictures/<id>.svg: the account's initial on a colour of its
// own.
func (s *Sim) picture(c *call) answer {
	id, ok := strings.CutSuffix(path.Base(c.r.URL.Path), ".svg")
	ig := s.instagram(id)
	if !ok || ig == nil {
		return plain(http.StatusNotFound, "text/plain; charset=utf-8", []byte("No such picture.\n"))
	}
	hash := fnv.New32a()
	hash.Write([]byte(id))
	letter := html.EscapeString(strings.ToUpper(initial(ig.Username)))
	body := fmt.Sprintf(avatar, hash.Sum32()%360, letter)
	a := plain(http.StatusOK, "image/svg+xml", []byte(body))
	a.header.Set("Cache-Control", "public, max-age=300")
	return a
}

// instagram returns the account of that id among all people's, or nil.
func (s *Sim) instagram(id string) *Instagram {
	for i := range s.people {
		for _, p := range s.people[i].everyPage() {
			for _, ig := range []*Instagram{p.Instagram, p.Personal} {
				if ig != nil && ig.ID == id {
					return ig
				}
			}
		}
	}
	return nil
}
