import pytest

from adapters.formats import csv, jsonlines, rows, table, tensors
from adapters.formats.presets import presets

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
