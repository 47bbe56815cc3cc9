import pytest

from adapters.formats import csv, jsonlines, rows, table, tensors
from adapters.formats.presets import presets
from schemas.errors import UnprocessableRequestError
from schemas.table import Table

CODECS = {module.plugin.kind for module in (csv, jsonlines, rows, table, tensors)}


def test_the_names_that_configurations_rely_on_are_there_once():
    assert [preset.name for preset in presets] == [
        "openscale",
        "wml",
        "azureml",
        "azureml-mlflow",
        "azureml-automl",
        "azureml-designer",
        "azure-studio",
        "sagemaker-linear-learner",
        "tf-serving",
        "mlflow",
    ]


@pytest.mark.parametrize("preset", presets, ids=lambda preset: preset.name)
def test_a_preset_names_a_codec_for_each_direction_and_its_source(preset):
    assert preset.request["format"] in CODECS
    assert preset.response["format"] in CODECS
    assert preset.source


def test_texts_are_refused_for_the_built_in_algorithms_of_sagemaker():
    (preset,) = (preset for preset in presets if preset.name == "sagemaker-linear-learner")
    format_ = csv.plugin.build(csv.CsvSettings(cells=preset.request["cells"]))
    assert format_.encode(Table(["a", "b"], [["7", 2.5]])).content == b"7,2.5"
    with pytest.raises(UnprocessableRequestError) as refused:
        format_.encode(Table(["Sex", "Age"], [["M", 1]]))
    assert refused.value.target == "values[0][0]"
