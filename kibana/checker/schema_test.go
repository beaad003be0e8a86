package checker

import (
	"encoding/json"
	"fmt"
)

// The structs below are the schema: what Kibana 8.19 and 9.x take for the types
// that we use, read from Kibana's sources. Kibana refuses attributes that it does
// not know, or drops them and shows a broken panel, so an unknown key is an error
// here, and what a struct decodes it must encode to the same bytes again.

type envelope struct {
	Attributes           json.RawMessage `json:"attributes"`
	CoreMigrationVersion string          `json:"coreMigrationVersion"`
	ID                   string          `json:"id"`
	Managed              bool            `json:"managed"`
	References           []reference     `json:"references"`
	Type                 string          `json:"type"`
	TypeMigrationVersion string          `json:"typeMigrationVersion,omitempty"`
}

type reference struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Type string `json:"type"`
}

// text is a string of JSON that holds a T.
type text[T any] struct{ value T }

func (t *text[T]) UnmarshalJSON(data []byte) error {
	var s string
	if err := json.Unmarshal(data, &s); err != nil {
		return fmt.Errorf("a string of JSON is wanted: %w", err)
	}
	return strict([]byte(s), &t.value)
}

func (t text[T]) MarshalJSON() ([]byte, error) {
	inner, err := canonical(t.value)
	if err != nil {
		return nil, err
	}
	return canonical(string(inner))
}

type dataView struct {
	AllowNoIndex    bool                            `json:"allowNoIndex"`
	FieldAttrs      text[map[string]fieldAttribute] `json:"fieldAttrs"`
	FieldFormatMap  text[map[string]fieldFormat]    `json:"fieldFormatMap"`
	Fields          text[[]struct{}]                `json:"fields"` // a scripted field would be here
	Name            string                          `json:"name"`
	RuntimeFieldMap text[map[string]struct{}]       `json:"runtimeFieldMap"`
	SourceFilters   text[[]struct{}]                `json:"sourceFilters"`
	TimeFieldName   string                          `json:"timeFieldName"`
	Title           string                          `json:"title"`
	TypeMeta        text[struct{}]                  `json:"typeMeta"`
}

type fieldAttribute struct {
	CustomLabel string `json:"customLabel"`
}

type fieldFormat struct {
	ID     string `json:"id"`
	Params struct {
		LabelTemplate        string `json:"labelTemplate"`
		OpenLinkInCurrentTab bool   `json:"openLinkInCurrentTab"`
		Type                 string `json:"type"`
		URLTemplate          string `json:"urlTemplate"`
	} `json:"params"`
}

type query struct {
	Language string `json:"language"`
	Query    string `json:"query"`
}

type searchSource struct {
	Filter       []struct{} `json:"filter"`
	IndexRefName string     `json:"indexRefName,omitempty"`
	Query        query      `json:"query"`
}

type meta struct {
	SearchSource text[searchSource] `json:"searchSourceJSON"`
}

type savedSearch struct {
	Columns     []string `json:"columns"`
	Description string   `json:"description"`
	Grid        struct {
		Columns map[string]struct {
			Width int `json:"width"`
		} `json:"columns"`
	} `json:"grid"`
	HideChart        bool        `json:"hideChart"`
	IsTextBasedQuery bool        `json:"isTextBasedQuery"`
	Meta             meta        `json:"kibanaSavedObjectMeta"`
	Sort             [][2]string `json:"sort"`
	TimeRestore      bool        `json:"timeRestore"`
	Title            string      `json:"title"`
}

type lens struct {
	Description string `json:"description"`
	State       struct {
		AdHocDataViews   struct{} `json:"adHocDataViews"`
		DatasourceStates struct {
			FormBased struct {
				Layers map[string]layer `json:"layers"`
			} `json:"formBased"`
		} `json:"datasourceStates"`
		Filters            []struct{}      `json:"filters"`
		InternalReferences []struct{}      `json:"internalReferences"`
		Query              query           `json:"query"`
		Visualization      json.RawMessage `json:"visualization"`
	} `json:"state"`
	Title             string `json:"title"`
	VisualizationType string `json:"visualizationType"`
}

type layer struct {
	ColumnOrder       []string          `json:"columnOrder"`
	Columns           map[string]column `json:"columns"`
	IncompleteColumns struct{}          `json:"incompleteColumns"`
}

type column struct {
	CustomLabel   bool            `json:"customLabel"`
	DataType      string          `json:"dataType"`
	Filter        *query          `json:"filter,omitempty"`
	IsBucketed    bool            `json:"isBucketed"`
	Label         string          `json:"label"`
	OperationType string          `json:"operationType"`
	Params        json.RawMessage `json:"params"`
	References    []string        `json:"references,omitempty"`
	Scale         string          `json:"scale"`
	SourceField   string          `json:"sourceField,omitempty"`

	terms termsParams // of Params, for the operation terms
	math  mathParams  // of Params, for the operation math
}

type termsParams struct {
	Exclude        []string `json:"exclude"`
	ExcludeIsRegex bool     `json:"excludeIsRegex"`
	Include        []string `json:"include"`
	IncludeIsRegex bool     `json:"includeIsRegex"`
	MissingBucket  bool     `json:"missingBucket"`
	OrderBy        struct {
		ColumnID string `json:"columnId,omitempty"`
		Fallback *bool  `json:"fallback,omitempty"`
		Type     string `json:"type"`
	} `json:"orderBy"`
	OrderDirection string `json:"orderDirection"`
	OtherBucket    bool   `json:"otherBucket"`
	ParentFormat   struct {
		ID string `json:"id"`
	} `json:"parentFormat"`
	Size int `json:"size"`
}

type histogramParams struct {
	DropPartials     bool   `json:"dropPartials"`
	IncludeEmptyRows bool   `json:"includeEmptyRows"`
	Interval         string `json:"interval"`
}

type metricParams struct {
	EmptyAsNull bool `json:"emptyAsNull"`
}

type lensMetric struct {
	Color          string `json:"color"`
	LayerID        string `json:"layerId"`
	LayerType      string `json:"layerType"`
	MaxAccessor    string `json:"maxAccessor,omitempty"`
	MetricAccessor string `json:"metricAccessor"`
	ShowBar        bool   `json:"showBar,omitempty"`
}

type lensPie struct {
	Layers []struct {
		AllowMultipleMetrics bool              `json:"allowMultipleMetrics"`
		CategoryDisplay      string            `json:"categoryDisplay"`
		ColorsByDimension    map[string]string `json:"colorsByDimension"`
		LayerID              string            `json:"layerId"`
		LayerType            string            `json:"layerType"`
		LegendDisplay        string            `json:"legendDisplay"`
		LegendPosition       string            `json:"legendPosition"`
		Metrics              []string          `json:"metrics"`
		NestedLegend         bool              `json:"nestedLegend"`
		NumberDisplay        string            `json:"numberDisplay"`
		PrimaryGroups        []string          `json:"primaryGroups"`
	} `json:"layers"`
	Shape string `json:"shape"`
}

type axes struct {
	X      bool `json:"x"`
	YLeft  bool `json:"yLeft"`
	YRight bool `json:"yRight"`
}

type lensXY struct {
	AxisTitles      axes   `json:"axisTitlesVisibilitySettings"`
	FittingFunction string `json:"fittingFunction"`
	Layers          []struct {
		Accessors     []string `json:"accessors"`
		LayerID       string   `json:"layerId"`
		LayerType     string   `json:"layerType"`
		SeriesType    string   `json:"seriesType"`
		SplitAccessor string   `json:"splitAccessor,omitempty"`
		XAccessor     string   `json:"xAccessor"`
		YConfig       []struct {
			Color       string `json:"color"`
			ForAccessor string `json:"forAccessor"`
		} `json:"yConfig,omitempty"`
	} `json:"layers"`
	Legend struct {
		IsVisible bool   `json:"isVisible"`
		Position  string `json:"position"`
	} `json:"legend"`
	PreferredSeriesType string `json:"preferredSeriesType"`
	ValueLabels         string `json:"valueLabels"`
}

type lensHeatmap struct {
	GridConfig struct {
		IsCellLabelVisible  bool   `json:"isCellLabelVisible"`
		IsXAxisLabelVisible bool   `json:"isXAxisLabelVisible"`
		IsXAxisTitleVisible bool   `json:"isXAxisTitleVisible"`
		IsYAxisLabelVisible bool   `json:"isYAxisLabelVisible"`
		IsYAxisTitleVisible bool   `json:"isYAxisTitleVisible"`
		Type                string `json:"type"`
	} `json:"gridConfig"`
	LayerID   string `json:"layerId"`
	LayerType string `json:"layerType"`
	Legend    struct {
		IsVisible bool   `json:"isVisible"`
		Position  string `json:"position"`
		Type      string `json:"type"`
	} `json:"legend"`
	Palette       *palette `json:"palette,omitempty"`
	Shape         string   `json:"shape"`
	ValueAccessor string   `json:"valueAccessor"`
	XAccessor     string   `json:"xAccessor"`
	YAccessor     string   `json:"yAccessor"`
}

type lensTable struct {
	Columns []struct {
		ColorMode string   `json:"colorMode,omitempty"`
		ColumnID  string   `json:"columnId"`
		Palette   *palette `json:"palette,omitempty"`
	} `json:"columns"`
	LayerID   string `json:"layerId"`
	LayerType string `json:"layerType"`
	Paging    struct {
		Enabled bool `json:"enabled"`
		Size    int  `json:"size"`
	} `json:"paging"`
	Sorting struct {
		ColumnID  string `json:"columnId"`
		Direction string `json:"direction"`
	} `json:"sorting"`
}

type links struct {
	Description string `json:"description"`
	Layout      string `json:"layout"`
	Links       []struct {
		DestinationRefName string `json:"destinationRefName"`
		ID                 string `json:"id"`
		Label              string `json:"label"`
		Options            struct {
			OpenInNewTab        bool `json:"openInNewTab"`
			UseCurrentDateRange bool `json:"useCurrentDateRange"`
			UseCurrentFilters   bool `json:"useCurrentFilters"`
		} `json:"options"`
		Order int    `json:"order"`
		Type  string `json:"type"`
	} `json:"links"`
	Title string `json:"title"`
}

type dashboard struct {
	ControlGroup struct {
		ChainingSystem string `json:"chainingSystem"`
		ControlStyle   string `json:"controlStyle"`
		IgnoreParent   text[struct {
			IgnoreFilters     bool `json:"ignoreFilters"`
			IgnoreQuery       bool `json:"ignoreQuery"`
			IgnoreTimerange   bool `json:"ignoreTimerange"`
			IgnoreValidations bool `json:"ignoreValidations"`
		}] `json:"ignoreParentSettingsJSON"`
		Panels text[map[string]control] `json:"panelsJSON"`
	} `json:"controlGroupInput"`
	Description string `json:"description"`
	Meta        meta   `json:"kibanaSavedObjectMeta"`
	Options     text[struct {
		HidePanelTitles bool `json:"hidePanelTitles"`
		SyncColors      bool `json:"syncColors"`
		SyncCursor      bool `json:"syncCursor"`
		SyncTooltips    bool `json:"syncTooltips"`
		UseMargins      bool `json:"useMargins"`
	}] `json:"optionsJSON"`
	Panels          text[[]panel] `json:"panelsJSON"`
	RefreshInterval struct {
		Pause bool `json:"pause"`
		Value int  `json:"value"`
	} `json:"refreshInterval"`
	TimeFrom    string `json:"timeFrom"`
	TimeRestore bool   `json:"timeRestore"`
	TimeTo      string `json:"timeTo"`
	Title       string `json:"title"`
	Version     int    `json:"version"`
}

type panel struct {
	EmbeddableConfig struct {
		Enhancements    struct{} `json:"enhancements"`
		HidePanelTitles bool     `json:"hidePanelTitles,omitempty"`
	} `json:"embeddableConfig"`
	GridData struct {
		H int    `json:"h"`
		I string `json:"i"`
		W int    `json:"w"`
		X int    `json:"x"`
		Y int    `json:"y"`
	} `json:"gridData"`
	PanelIndex   string `json:"panelIndex"`
	PanelRefName string `json:"panelRefName"`
	Type         string `json:"type"`
}

type control struct {
	ExplicitInput struct {
		Enhancements    struct{} `json:"enhancements"`
		FieldName       string   `json:"fieldName"`
		ID              string   `json:"id"`
		SearchTechnique string   `json:"searchTechnique"`
		SelectedOptions []string `json:"selectedOptions"`
		Sort            struct {
			By        string `json:"by"`
			Direction string `json:"direction"`
		} `json:"sort"`
		Title string `json:"title"`
	} `json:"explicitInput"`
	Grow  bool   `json:"grow"`
	Order int    `json:"order"`
	Type  string `json:"type"`
	Width string `json:"width"`
}
