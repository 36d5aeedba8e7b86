package imaging

import "context"

type Engine struct{}

func (e *Engine) Probe(src Source) (Info, error) { panic("imaging") }
func (e *Engine) Render(ctx context.Context, src Source, variants []Variant) ([]Output, error) {
	panic("imaging")
}
func (f Format) Ext() string  { panic("imaging") }
func (f Format) MIME() string { panic("imaging") }
