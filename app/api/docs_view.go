package api

import (
	"cmp"
	"encoding/json"
	"html/template"
	"maps"
	"slices"
	"strings"
)

// document is as much of OpenAPI as the page shows.
type document struct {
	Info docsInfo `json:"info"`
	Tags []struct {
		Name, Description string
	} `json:"tags"`
	Paths      map[string]map[string]operation `json:"paths"`
	Components struct {
		Parameters map[string]parameter `json:"parameters"`
		Responses  map[string]response  `json:"responses"`
		Schemas    map[string]schema    `json:"schemas"`
	} `json:"components"`
}

type docsInfo struct{ Title, Version, Description string }

type operation struct {
	OperationID          string
	Summary, Description string
	Tags                 []string
	Parameters           []parameter
	RequestBody          struct{ Content map[string]media }
	Responses            map[string]response
}

type parameter struct {
	Ref                   string `json:"$ref"`
	Name, In, Description string
	Required              bool
	Schema                schema
}

type response struct {
	Ref         string `json:"$ref"`
	Description string
	Content     map[string]media
}

type media struct{ Schema schema }

type schema struct {
	Ref                       string `json:"$ref"`
	Type, Format, Description string
	Const                     string
	Enum                      []string
	Items                     *schema
	Properties                map[string]schema
	Required                  []string
}

// The page, ready for its template.
type (
	docsView struct {
		Info     docsInfo
		Style    template.CSS
		Tags     []docsSection
		Schemas  []docsSchema
		Problems []docsProblem
	}
	docsSection struct {
		Name, Description string
		Operations        []docsOperation
	}
	docsOperation struct {
		ID, Method, Path     string
		Summary, Description string
		Parameters           []docsMember
		Bodies               []docsBody
		Responses            []docsResponse
	}
	docsMember struct {
		Name, In, Type, Description string
		Required                    bool
	}
	docsBody     struct{ Media, Type string }
	docsResponse struct{ Status, Type, Description string }
	docsSchema   struct {
		Name, Description, Values string
		Members                   []docsMember
	}
	docsProblem struct {
		Code        Code
		Status      int
		Title, Hint string
	}
)

func readDocument(data []byte) (*document, error) {
	var d document
	if err := json.Unmarshal(data, &d); err != nil {
		return nil, err
	}
	return &d, nil
}

func (d *document) sections() []docsSection {
	var out []docsSection
	for _, tag := range d.Tags {
		s := docsSection{Name: tag.Name, Description: tag.Description}
		for _, path := range slices.Sorted(maps.Keys(d.Paths)) {
			for _, method := range slices.Sorted(maps.Keys(d.Paths[path])) {
				if op := d.Paths[path][method]; slices.Contains(op.Tags, tag.Name) {
					s.Operations = append(s.Operations, d.operation(method, path, op))
				}
			}
		}
		out = append(out, s)
	}
	return out
}

func (d *document) operation(method, path string, op operation) docsOperation {
	o := docsOperation{
		ID: op.OperationID, Method: strings.ToUpper(method), Path: path,
		Summary: op.Summary, Description: op.Description,
	}
	for _, p := range op.Parameters {
		if p.Ref != "" {
			p = d.Components.Parameters[refName(p.Ref)]
		}
		o.Parameters = append(o.Parameters, docsMember{p.Name, p.In, p.Schema.label(), p.Description, p.Required})
	}
	for _, m := range slices.Sorted(maps.Keys(op.RequestBody.Content)) {
		o.Bodies = append(o.Bodies, docsBody{m, op.RequestBody.Content[m].Schema.label()})
	}
	for _, status := range slices.Sorted(maps.Keys(op.Responses)) {
		r := op.Responses[status]
		if r.Ref != "" {
			r = d.Components.Responses[refName(r.Ref)]
		}
		var kinds []string
		for _, m := range slices.Sorted(maps.Keys(r.Content)) {
			kinds = append(kinds, m+" "+r.Content[m].Schema.label())
		}
		o.Responses = append(o.Responses, docsResponse{status, strings.Join(kinds, ", "), r.Description})
	}
	return o
}

func (d *document) schemas() []docsSchema {
	var out []docsSchema
	for _, name := range slices.Sorted(maps.Keys(d.Components.Schemas)) {
		s := d.Components.Schemas[name]
		v := docsSchema{Name: name, Description: s.Description, Values: strings.Join(s.Enum, ", ")}
		for _, member := range slices.Sorted(maps.Keys(s.Properties)) {
			p := s.Properties[member]
			v.Members = append(v.Members, docsMember{
				Name: member, Type: p.label(), Description: p.Description,
				Required: slices.Contains(s.Required, member),
			})
		}
		out = append(out, v)
	}
	return out
}

func docsProblems() []docsProblem {
	var out []docsProblem
	for code, k := range kinds {
		out = append(out, docsProblem{code, k.status, k.title, k.hint})
	}
	slices.SortFunc(out, func(a, b docsProblem) int {
		return cmp.Or(cmp.Compare(a.Status, b.Status), cmp.Compare(a.Code, b.Code))
	})
	return out
}

// label says in a few words what a value is.
func (s schema) label() string {
	switch {
	case s.Ref != "":
		return refName(s.Ref)
	case s.Const != "":
		return s.Const
	case s.Items != nil:
		return "list of " + s.Items.label()
	case len(s.Enum) > 0:
		return strings.Join(s.Enum, ", ")
	case s.Format != "":
		return s.Type + ", " + s.Format
	case s.Type == "":
		return "any JSON"
	}
	return s.Type
}

func refName(ref string) string { return ref[strings.LastIndexByte(ref, '/')+1:] }
