import pytest

from adapters.testing.sagemaker.account import Account, EmulatedEndpoint
from adapters.testing.sagemaker.errors import AwsRefusalError
from adapters.testing.sagemaker.models import LinearLearner

LINEAR = LinearLearner(weights=(1.0,))


def endpoint(name="credit", **options):
    return EmulatedEndpoint(name=name, models={"AllTraffic": LINEAR}, model_names={"AllTraffic": "model"}, **options)


@pytest.fixture
def account():
    account = Account("eu-west-1")
    account.add(endpoint())
    return account


def test_an_endpoint_that_is_replaced_keeps_its_birthday(account):
    before = account.endpoints["credit"]
    account.add(endpoint(status="Updating"))
    after = account.endpoints["credit"]
    assert after.created_at == before.created_at
    assert after.modified_at >= before.modified_at
    assert after.status == "Updating"


@pytest.mark.parametrize("status", ["InService", "Updating", "SystemUpdating", "RollingBack", "UpdateRollbackFailed"])
def test_an_endpoint_that_changes_goes_on_serving(account, status):
    account.add(endpoint(status=status))
    assert account.serving("credit").status == status


@pytest.mark.parametrize("status", ["Creating", "Failed", "OutOfService", "Deleting"])
def test_an_endpoint_in_another_state_does_not(account, status):
    account.add(endpoint(status=status))
    with pytest.raises(AwsRefusalError):
        account.serving("credit")


def test_names_are_of_the_region(account):
    (listed,) = account.operations["ListEndpoints"]({})["Endpoints"]
    assert listed["EndpointArn"] == "arn:aws:sagemaker:eu-west-1:123456789012:endpoint/credit"


def test_pages_have_ten_entries_unless_asked_and_a_hundred_at_most(account):
    for k in range(149):
        account.add(endpoint(f"e{k}"))
    listing = account.operations["ListEndpoints"]
    assert len(listing({})["Endpoints"]) == 10
    first = listing({"MaxResults": 1000})
    assert len(first["Endpoints"]) == 100
    second = listing({"MaxResults": 1000, "NextToken": first["NextToken"]})
    assert len(second["Endpoints"]) == 50
    assert "NextToken" not in second
