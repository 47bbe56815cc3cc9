"""Presets: what the platforms' own examples and default containers speak, as bundles of options."""

from adapters.base import Preset

_AZURE_ANSWERS = ["output", "Results", "result", "predictions", "data", ""]
"""Where score scripts, AutoML, MLflow and designer images put rows; the body itself comes last."""

presets: tuple[Preset, ...] = (
    Preset(
        name="openscale",
        request={"format": "table", "columns": "fields", "rows": "values"},
        response={"format": "table", "at": ["", "predictions[0]", "output"], "columns": "fields", "rows": "values"},
        source="IBM Watson OpenScale documentation: Custom machine learning frameworks",
    ),
    Preset(
        name="wml",
        request={"format": "table", "at": "input_data[0]", "columns": "fields", "rows": "values"},
        response={"format": "table", "at": "predictions[0]", "columns": "fields", "rows": "values"},
        source="IBM watsonx.ai Runtime API: Deployments, predictions",
    ),
    Preset(
        name="azureml",
        request={"format": "rows", "at": "input", "row": "object"},
        response={"format": "rows", "at": _AZURE_ANSWERS},
        source="IBM Watson OpenScale documentation: Payload logging for Microsoft Azure ML Service",
    ),
    Preset(
        name="azureml-mlflow",
        request={"format": "table", "at": "input_data", "columns": "columns", "rows": "data"},
        response={"format": "rows", "at": ["predictions", "output", "Results", "result", "data", ""]},
        source="Azure Machine Learning documentation: Deploy MLflow models to online endpoints",
    ),
    Preset(
        name="azureml-automl",
        request={
            "format": "rows",
            "at": "Inputs.data",
            "row": "object",
            "body_constants": {"GlobalParameters": {"method": "predict"}},
        },
        response={"format": "rows", "at": ["Results", "result", "output", "predictions", "data", ""]},
        source="Azure Machine Learning documentation: Deploy an AutoML model with an online endpoint",
    ),
    Preset(
        name="azureml-designer",
        request={
            "format": "rows",
            "at": "Inputs.WebServiceInput0",
            "row": "object",
            "body_constants": {"GlobalParameters": {}},
        },
        response={"format": "rows", "at": ["Results.WebServiceOutput0", "Results", ""]},
        source="Azure Machine Learning documentation: Use the studio to deploy models trained in the designer",
    ),
    Preset(
        name="azure-studio",
        request={
            "format": "table",
            "at": "Inputs.input1",
            "columns": "ColumnNames",
            "rows": "Values",
            "cells": "text",
            "body_constants": {"GlobalParameters": {}},
        },
        response={
            "format": "table",
            "at": "Results.output1.value",
            "columns": "ColumnNames",
            "rows": "Values",
            "types": "ColumnTypes",
        },
        source="Machine Learning Studio (classic) documentation: How to consume a web service",
    ),
    Preset(
        name="sagemaker-linear-learner",
        request={"format": "csv", "cells": "numbers"},
        response={"format": "rows", "at": "predictions"},
        source="Amazon SageMaker Developer Guide: Linear learner response formats",
    ),
    Preset(
        name="tf-serving",
        request={"format": "rows", "at": "instances", "row": "array"},
        response={"format": "rows", "at": ["predictions", "outputs"]},
        source="TensorFlow Serving: RESTful API, Predict API",
    ),
    Preset(
        name="mlflow",
        request={"format": "table", "at": "dataframe_split", "columns": "columns", "rows": "data"},
        response={"format": "rows", "at": ["predictions", ""]},
        source="MLflow documentation: Deploy MLflow model as a local inference server",
    ),
)
