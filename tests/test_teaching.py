import cifviz.course
import cifviz.teaching


def test_what_lessons_are_made_of_is_found_by_its_former_name():
    assert cifviz.teaching.__all__ == cifviz.course.__all__
    for name in cifviz.course.__all__:
        assert getattr(cifviz.teaching, name) is getattr(cifviz.course, name)
