import pytest

from gateway.mapping.ambiguities import ambiguities
from schemas.configuration import InputSettings, OutputSettings

TWO = ("No Risk", "Risk")
THREE = ("a", "b", "c")


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"prediction": "label"},
        {"prediction": "label", "labels": TWO},
        {"probability": "p"},
        {"probability": "p", "probability_of": "each", "labels": THREE},
        {"probability": "p", "probability_of": "positive", "labels": TWO, "threshold": 0.5},
        {"probability": "p", "probability_of": "positive", "labels": TWO, "positive": "No Risk"},
        {"prediction": "label", "probability": "p", "probability_of": "winner", "labels": TWO},
        {"probability": ("x", "y"), "labels": TWO},
        {"probability": ('p of "No Risk"', 'p of "Risk"'), "labels": TWO},
        {"probability": ('p of "0"', 'p of "1"'), "labels": (False, True)},
        {"probability": ("Scored Probabilities_No Risk", "Scored Probabilities_Risk"), "labels": TWO},
        {"probability": ("no_risk", "risk"), "labels": TWO},
        {"probability": ("p_0", "p_1"), "labels": (1, 2)},
        {"probability": ('"a" p', 'p of "x"', 'p of "'), "labels": THREE},
        {"probability": "p", "probability_of": "each", "probability_scale": "logit", "labels": THREE},
        {"probability": ("x", "y"), "probability_of": "each", "labels": TWO},
        {"prediction": "k", "prediction_is": "index", "labels": (False, True)},
        {"probability": 'p of "Risk"', "probability_of": "positive", "labels": TWO},
        {"probability": "p_no_risk", "probability_of": "positive", "labels": TWO, "positive": "No Risk"},
        {"probability": "output_1", "probability_of": "positive", "labels": (0, 1)},
        {"probability": "output_0", "probability_of": "positive", "labels": (0, 1), "positive": 1},
        {"probability": "output_0", "probability_of": "positive", "labels": TWO},
        {"prediction": "k", "probability": "p_1", "probability_of": "winner", "labels": (0, 1)},
        {"probability": "all of Risk", "probability_of": "each", "labels": TWO},
        {"prediction": "label", "echo_inputs": True},
        {"probability": "p", "probability_of": "each", "labels": THREE, "echo_inputs": True},
    ],
)
def test_settings_with_one_meaning_have_no_problems(settings):
    assert ambiguities(InputSettings(), OutputSettings(**settings)) == []


@pytest.mark.parametrize(
    ("settings", "place"),
    [
        ({"probability": "p", "labels": TWO}, "output.probability_of"),
        ({"probability": ('p of "Risk"', 'p of "No Risk"'), "labels": TWO}, "output.probability[0]"),
        ({"probability": ('p of "a"', "p2", 'p of "b"'), "labels": THREE}, "output.probability[2]"),
        ({"probability": ('p of "2"', "x"), "labels": (1, 2)}, "output.probability[0]"),
        ({"probability": ("POSITIVE", "NEGATIVE"), "labels": ("NEGATIVE", "POSITIVE")}, "output.probability[0]"),
        ({"probability": ("Risk", "No Risk"), "labels": TWO}, "output.probability[1]"),
        (
            {"probability": ("Scored Probabilities_Risk", "Scored Probabilities_No Risk"), "labels": TWO},
            "output.probability[0]",
        ),
        ({"probability": ("p_1", "p_0"), "labels": (0, 1)}, "output.probability[1]"),
        ({"probability": "p", "labels": THREE}, "output.probability_of"),
        ({"probability_of": "positive"}, "output.probability_of"),
        ({"probability": "p", "probability_of": "positive", "labels": THREE}, "output.probability_of"),
        ({"prediction": "l", "probability": "p", "probability_of": "winner", "labels": THREE}, "output.probability_of"),
        ({"prediction": "l", "probability": "p", "probability_of": "winner"}, "output.probability_of"),
        ({"probability": "p", "probability_of": "winner", "labels": TWO}, "output.probability_of"),
        ({"probability": ("x", "y"), "probability_of": "positive", "labels": TWO}, "output.probability_of"),
        ({"probability": ("x", "y"), "labels": THREE}, "output.probability"),
        ({"probability": ("x", "y")}, "output.probability"),
        ({"probability": ("x", "x"), "labels": TWO}, "output.probability"),
        ({"prediction": "p", "probability": "p", "probability_of": "each", "labels": TWO}, "output.prediction"),
        ({"prediction": "x", "probability": ("x", "y"), "labels": TWO}, "output.prediction"),
        ({"prediction": "k", "prediction_is": "index"}, "output.prediction_is"),
        ({"prediction_is": "index", "labels": TWO}, "output.prediction_is"),
        ({"probability": "No Risk", "probability_of": "positive", "labels": TWO}, "output.probability"),
        ({"probability": 'p of "No Risk"', "probability_of": "positive", "labels": TWO}, "output.probability"),
        (
            {"probability": "p_no_risk", "probability_of": "positive", "labels": TWO, "positive": "Risk"},
            "output.probability",
        ),
        (
            {"probability": "p_Risk", "probability_of": "positive", "labels": TWO, "positive": "No Risk"},
            "output.probability",
        ),
        ({"probability": "output_0", "probability_of": "positive", "labels": (0, 1)}, "output.probability"),
        (
            {"probability": 'p of "0"', "probability_of": "positive", "labels": (0, 1), "positive": 1},
            "output.probability",
        ),
        ({"prediction": "l", "probability": "p_Risk", "probability_of": "winner", "labels": TWO}, "output.probability"),
        ({"labels": TWO}, "output.labels"),
        ({"echo_inputs": True}, "output.echo_inputs"),
        ({"echo_inputs": True, "probability": "p"}, "output.echo_inputs"),
        ({"labels": ("a",)}, "output.labels"),
        ({"labels": ("a", "a")}, "output.labels[1]"),
        ({"labels": (0, 1, "1")}, "output.labels[2]"),
        ({"labels": (0, False)}, "output.labels[1]"),
        ({"labels": ("True", "1")}, "output.labels[1]"),
        ({"labels": ("1", "True")}, "output.labels[1]"),
        ({"labels": ("TRUE", "true")}, "output.labels[1]"),
        ({"labels": ("a", None)}, "output.labels[1]"),
        ({"labels": ("a", ["b"])}, "output.labels[1]"),
        ({"probability": ("x", "y"), "labels": ("a", ["b"])}, "output.labels[1]"),
        ({"probability": "p", "probability_of": "positive", "labels": TWO, "positive": "x"}, "output.positive"),
        ({"probability": "p", "probability_of": "positive", "positive": "x"}, "output.positive"),
        ({"probability": "p", "probability_of": "each", "labels": TWO, "positive": "Risk"}, "output.positive"),
        ({"probability_scale": "logit"}, "output.probability_scale"),
        (
            {
                "prediction": "l",
                "probability": "p",
                "probability_of": "winner",
                "probability_scale": "logit",
                "labels": TWO,
            },
            "output.probability_scale",
        ),
        ({"threshold": 0.5, "labels": TWO}, "output.threshold"),
        ({"threshold": 0.5, "probability": "p", "probability_of": "each", "labels": TWO}, "output.threshold"),
        ({"threshold": 0.5, "probability": "p", "probability_of": "positive"}, "output.threshold"),
        (
            {"threshold": 0.5, "prediction": "l", "probability": "p", "probability_of": "positive", "labels": TWO},
            "output.threshold",
        ),
    ],
)
def test_settings_with_several_meanings_are_named_with_their_place(settings, place):
    problems = ambiguities(InputSettings(), OutputSettings(**settings))
    assert place in [problem for problem, _ in problems]
    assert all(sentence.endswith(".") for _, sentence in problems)


@pytest.mark.parametrize(
    ("settings", "place"),
    [
        ({"fields": ()}, "input.fields"),
        ({"fields": ("a", "b", "a")}, "input.fields[2]"),
        ({"defaults": {"a": 1}, "constants": {"a": 2}}, "input.defaults.a"),
        ({"fields": ("a",), "defaults": {"b": 1}}, "input.defaults.b"),
    ],
)
def test_columns_that_clash_are_named_with_their_place(settings, place):
    assert [problem for problem, _ in ambiguities(InputSettings(**settings), OutputSettings())] == [place]
