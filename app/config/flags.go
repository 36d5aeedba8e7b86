package config

import (
	"github.com/spf13/pflag"
)

// Flags are the settings given on a command line.
type Flags struct {
	file   string
	values []*flagValue
}

// flagValue keeps a flag's text; it is judged with everything else in Load.
type flagValue struct {
	setting setting
	text    string
	given   bool
}

// AddFlags adds --config and a flag for every setting that is not secret. Those
// of the settings whose keys are named in shown appear in the help.
func AddFlags(fs *pflag.FlagSet, shown ...string) *Flags {
	f := &Flags{}
	fs.StringVar(&f.file, "config", "", "configuration `file` (default: $CONFIG_FILE, else ./config.yaml if there is one)")
	visible := map[string]bool{}
	for _, key := range shown {
		visible[key] = true
	}
	for _, s := range settings {
		if s.flagName() == "" {
			continue
		}
		v := &flagValue{setting: s}
		f.values = append(f.values, v)
		flag := fs.VarPF(v, s.flagName(), "", s.help+" (default "+s.def+")")
		flag.Hidden = !visible[s.key]
		if s.kind == "bool" {
			flag.NoOptDefVal = "true"
		}
	}
	return f
}

func (v *flagValue) String() string { return v.text }

func (v *flagValue) Set(s string) error {
	v.text, v.given = s, true
	return nil
}

func (v *flagValue) Type() string { return v.setting.kind }

// flags applies what was given.
func (l *loader) flags(f *Flags) {
	for _, v := range f.values {
		if v.given {
			name := "--" + v.setting.flagName()
			l.apply(v.setting, v.text, name, origin{layerFlag, name})
		}
	}
}
