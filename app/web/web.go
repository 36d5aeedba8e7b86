// Package web is the dashboard: a few static files in the executable, without a
// build step and without a request to anywhere but this server. It knows the
// service by its HTTP API alone, as any other client does.
//
// The browser is told to run nothing that is not one of these files. What users
// and cameras wrote reaches the page as text only, never as markup.
package web

import (
	"embed"
	"io/fs"
	"net/http"
	"path"

	"revela/app/web/content"
)

//go:embed static
var static embed.FS

// Policy is the Content-Security-Policy of every page.
const Policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; " +
	"connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

var types = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
}

// Handler serves the dashboard at / and its parts below /assets/, and answers
// everything else with 404. Browsers ask again each time and get 304 as long as
// the executable is the same.
func Handler() http.Handler {
	assets := load()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, ok := assets[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		h := w.Header()
		h.Set("Cache-Control", "no-cache")
		h.Set("Content-Security-Policy", Policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		a.ServeHTTP(w, r)
	})
}

// load reads the embedded files. A failure is a mistake of the build, which the
// tests of this package find.
func load() map[string]*content.Content {
	assets := map[string]*content.Content{}
	err := fs.WalkDir(static, "static", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := static.ReadFile(name)
		if err != nil {
			return err
		}
		place := name[len("static"):]
		if place == "/index.html" {
			place = "/"
		}
		assets[place] = content.New(types[path.Ext(name)], data)
		return nil
	})
	if err != nil {
		panic(err)
	}
	return assets
}
