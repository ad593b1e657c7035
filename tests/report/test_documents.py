"""The JSON documents, against their published schema."""

import json
from importlib import resources

import jsonschema
import pytest

from slim.devices import load_device
from slim.estimate import check, estimate
from slim.report.documents import SCHEMA, check_document, device_part, envelope
from tests.estimate.models import model_of, with_weights, zeros

RPI3 = load_device("rpi3")


def validator():
    schema = json.loads(SCHEMA.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def conv_document(device=RPI3):
    model = with_weights("y = Conv(x, w)", "float[1,8,16,16] x", "float[1,8,16,16] y", zeros("w", 8, 8, 1, 1))
    cost = estimate(model, device)
    return cost, check_document(check(cost, device), cost)


def test_the_schema_ships_in_the_package():
    assert resources.files("slim.report").joinpath("slim.schema.json").is_file()


def test_a_check_document_is_as_the_schema_says():
    validator().validate(json.loads(json.dumps(conv_document()[1])))


def test_a_check_document_has_the_figures_of_the_estimate():
    cost, document = conv_document()
    assert document["fits"] is True
    assert document["checks"]["ram"] == {"value_bytes": cost.ram_bytes, "limit_bytes": 64 * 1024**2, "ok": True}
    assert document["checks"]["latency"]["value_s"] == cost.latency_s
    (layer,) = document["estimate"]["layers"]
    assert (layer["macs"], layer["kind"], layer["outputs"][0]["shape"]) == (8 * 8 * 256, "pointwise", [1, 8, 16, 16])


def test_unsupported_operators_are_in_the_document():
    cost = estimate(model_of("y = Det(x)", "float[4,4] x", "float y"), RPI3)
    document = check_document(check(cost, RPI3), cost)
    validator().validate(document)
    assert (document["fits"], document["unsupported"][0]["where"]) == (False, "operator Det")
    assert document["estimate"]["exact_memory"] is False


def test_devices_are_as_the_schema_says():
    validator().validate(envelope("devices", devices=[device_part(RPI3)]))


@pytest.mark.parametrize("change", [{"command": "guess"}, {"fits": "yes"}, {"schema_version": 2}, {"surprise": 1}])
def test_the_schema_refuses_what_is_not_a_document(change):
    with pytest.raises(jsonschema.ValidationError):
        validator().validate(conv_document()[1] | change)
