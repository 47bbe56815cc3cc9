from tests.example_page import files_of_example, files_of_page


def test_the_page_shows_every_file_of_the_example_as_it_is():
    assert files_of_page() == files_of_example()
