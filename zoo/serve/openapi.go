package serve

import (
	_ "embed"
	"net/http"
)

// description tells of all paths, as OpenAPI 3.1 has it.
//
//go:embed openapi.json
var description []byte

func (s *Server) openAPI(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK)
	w.Write(description)
	return nil
}
