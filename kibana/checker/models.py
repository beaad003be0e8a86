"""Holds a file of saved objects to models that others made of Kibana's form:
kb-dashboard-core (PyPI, Python 3.12 and later). `make kibana-models` runs it;
no test and no build needs it.

    kcing setup-kibana --dry-run | python3 kibana/checker/models.py

It looks at charts and their columns, menus, filters, panels, options and
references, and ends with 1 if one of them is not as the models have it.
"""

import json
import sys

from kb_dashboard_core.controls import view as controls
from kb_dashboard_core.dashboard import view as dashboards
from kb_dashboard_core.panels import view as panels
from kb_dashboard_core.panels.charts.datatable import view as datatable
from kb_dashboard_core.panels.charts.heatmap import view as heatmap
from kb_dashboard_core.panels.charts.lens.columns import view as columns
from kb_dashboard_core.panels.charts.metric import view as metric
from kb_dashboard_core.panels.charts.pie import view as pie
from kb_dashboard_core.panels.charts.xy import view as xy
from kb_dashboard_core.panels.links import view as links
from kb_dashboard_core.shared.view import KbnReference
from pydantic import ValidationError

VISUALIZATIONS = {
    "lnsMetric": metric.KbnMetricVisualizationState,
    "lnsPie": pie.KbnPieVisualizationState,
    "lnsXY": xy.KbnXYVisualizationState,
    "lnsHeatmap": heatmap.KbnHeatmapVisualizationState,
    "lnsDatatable": datatable.KbnDatatableVisualizationState,
}

# One model for each operation: a union of all would blame each of them.
COLUMNS = {
    "terms": columns.KbnLensTermsDimensionColumn,
    "date_histogram": columns.KbnLensDateHistogramDimensionColumn,
    "formula": columns.KbnLensFormulaColumn,
    "math": columns.KbnLensMathColumn,
}


def parts(o):
    """Yields what there is to validate of an object: a name, a model, the JSON."""
    a = o["attributes"]
    for r in o["references"]:
        yield "reference " + r["name"], KbnReference, r
    if o["type"] == "lens":
        kind, state = a["visualizationType"], a["state"]["visualization"]
        layers = state.get("layers", [])
        if kind == "lnsXY":  # one model, since a union of all sorts of layers would blame each
            for layer in layers:
                yield "layer", xy.XYDataLayerConfig, {"showGridlines": False} | layer
            state = state | {"layers": []}
        state.pop("color", None)  # of a metric; this and the next Kibana has, and the models do not
        for layer in layers:
            layer.pop("colorsByDimension", None)
        yield "visualization", VISUALIZATIONS[kind], state
        for layer in a["state"]["datasourceStates"]["formBased"]["layers"].values():
            for name, c in layer["columns"].items():
                yield "column " + name, COLUMNS.get(c["operationType"], columns.KbnLensFieldMetricColumn), c
    elif o["type"] == "links":
        yield "links", links.KbnLinksPanelAttributes, {"layout": a["layout"], "links": a["links"]}
    elif o["type"] == "dashboard":
        yield "options", dashboards.KbnDashboardOptions, json.loads(a["optionsJSON"])
        yield "query", panels.KbnSearchSourceJSON, json.loads(a["kibanaSavedObjectMeta"]["searchSourceJSON"])
        for p in json.loads(a["panelsJSON"]):
            yield "panel " + p["panelIndex"], panels.KbnBasePanel, {"panelIndex": p["panelIndex"], "gridData": p["gridData"]}
            yield "panel " + p["panelIndex"], panels.KbnBasePanelEmbeddableConfig, p["embeddableConfig"]
        group = a["controlGroupInput"]
        yield "ignoreParentSettings", controls.KbnIgnoreParentSettingsJson, json.loads(group["ignoreParentSettingsJSON"])
        data_view = {r["name"]: r["id"] for r in o["references"]}
        for name, c in json.loads(group["panelsJSON"]).items():
            # The models have what an editor of Kibana writes: the data view, which an export moves to the references,
            # and two defaults. They do not have the empty enhancements of Kibana's own sample data.
            i = c["explicitInput"]
            i["dataViewId"] = data_view[f"controlGroup_{name}:optionsListDataView"]
            i |= {"singleSelect": False, "runPastTimeout": False}
            del i["enhancements"]
            yield "control " + name, controls.KbnOptionsListControl, c


def main():
    objects = validations = faults = 0
    for line in sys.stdin:
        o = json.loads(line)
        if "exportedCount" in o:
            continue
        objects += 1
        for name, model, value in parts(o):
            validations += 1
            try:
                model.model_validate_json(json.dumps(value), extra="forbid")  # JSON: enumerations are texts
            except ValidationError as e:
                faults += 1
                for why in e.errors():
                    print(f"{o['type']} {o['id']}: {name}: {'.'.join(map(str, why['loc']))}: {why['msg']}")
    print(f"{objects} objects, {validations} validations, {faults} faults")
    return 1 if faults or not objects else 0


if __name__ == "__main__":
    sys.exit(main())
