package checker

// The schema of formulas, and of the colours of numbers.

type formulaParams struct {
	Format struct {
		ID     string `json:"id"`
		Params struct {
			Decimals int `json:"decimals"`
		} `json:"params"`
	} `json:"format"`
	Formula         string `json:"formula"`
	IsFormulaBroken bool   `json:"isFormulaBroken"`
}

type mathParams struct {
	AST struct {
		Args     []string `json:"args"`
		Location struct {
			Max int `json:"max"`
			Min int `json:"min"`
		} `json:"location"`
		Name string `json:"name"`
		Text string `json:"text"`
		Type string `json:"type"`
	} `json:"tinymathAst"`
}

type palette struct {
	Name   string `json:"name"`
	Params struct {
		ColorStops  []colorStop `json:"colorStops"`
		Continuity  string      `json:"continuity"`
		MaxSteps    int         `json:"maxSteps"`
		Name        string      `json:"name"`
		Progression string      `json:"progression"`
		RangeMax    *float64    `json:"rangeMax"`
		RangeMin    float64     `json:"rangeMin"`
		RangeType   string      `json:"rangeType"`
		Reverse     bool        `json:"reverse"`
		Steps       int         `json:"steps"`
		Stops       []colorStop `json:"stops"`
	} `json:"params"`
	Type string `json:"type"`
}

type colorStop struct {
	Color string  `json:"color"`
	Stop  float64 `json:"stop"`
}
