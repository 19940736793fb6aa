"""Each kind of fault is found where it is planted, and nowhere else."""

import pytest

from documentation import faults
from documentation.__main__ import main

CLEAN = """\
# Do it

![A picture of two boxes](x.svg) and [a page](other.md), at https://docs.python.org/3/.

```python
link = "http://localhost"  # ![](x.svg)
```

```{code-block} console
$ curl http://shop
```

`http://shop` is code, and http://127.0.0.1:8000 is served by the reader.
"""
SVG = '<svg xmlns="http://www.w3.org/2000/svg"><title>A box</title></svg>'


@pytest.fixture
def checkout(tmp_path):
    """Return a checkout without faults."""
    for name in ("docs", "benchmarks", "built/reference"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("README.md", "other.md", "docs/index.md"):
        (tmp_path / name).write_text(CLEAN)
    (tmp_path / "docs" / "x.svg").write_text(SVG)
    (tmp_path / "docs" / "x.css").write_text("a:is(b) { color: var(--c); }")
    (tmp_path / "built" / "reference" / "x.html").write_text("<pre>code</pre>")
    return tmp_path


@pytest.fixture
def check(checkout, capsys):
    """Check the checkout; return the exit code and the findings."""

    def check():
        code = main(["--root", str(checkout), "--built", str(checkout / "built")])
        return code, capsys.readouterr().err

    return check


def test_a_clean_checkout_passes(check):
    """Links and images inside code are no links and images, and local addresses pass."""
    assert check() == (0, "")


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        pytest.param("docs/a.md", "a\n\n![](x.svg)", "3: An image without alt", id="no alt"),
        pytest.param("docs/a.md", "![chart](x.svg)", "1: An image without alt", id="short alt"),
        pytest.param("docs/a.md", '<img src="x.svg">', "1: An image without alt", id="tag"),
        pytest.param(
            "docs/a.md", "```{image} x.svg\n:width: 9\n```", "1: An image without", id="directive"
        ),
        pytest.param("docs/a.md", "word " * 1201, "1: 1201 words", id="long page"),
        pytest.param("docs/a.md", "See https:/x.org.", "1: https:/x.org. names no host", id="host"),
        pytest.param("docs/a.md", "[x](http://x.org)", "1: http://x.org is not enc", id="http"),
        pytest.param("README.md", "\n[x](docs/no.md#y)", "2: No file docs/no.md", id="link"),
        pytest.param("docs/a.svg", "<svg></svg>", "1: A drawing without <title>", id="title"),
        pytest.param(
            "benchmarks/a.svg",
            SVG.replace("</svg>", "<style>text { fill: #eeeeee; }</style><text/></svg>"),
            "1: text is #eeeeee on #ffffff (light): 1.2 to 1",
            id="contrast",
        ),
        pytest.param("docs/a.css", "a {\n color: #123; }", "2: A colour of its own", id="colour"),
        pytest.param(
            "built/reference/a.html",
            "<dd>\n<blockquote>\n<div><p>f(x)</p>",
            "2: Code is rendered as prose",
            id="quotation",
        ),
        pytest.param(
            "built/reference/a.html",
            "<p>celery = CeleryDelivery(app)</p>",
            "1: Code is rendered as prose",
            id="paragraph",
        ),
    ],
)
def test_a_planted_fault_is_found(checkout, check, name, text, expected):
    """The finding names the file and the line, and the command fails."""
    (checkout / name).write_text(text)
    code, printed = check()
    assert code == 1
    (line, *more) = dict.fromkeys(printed.splitlines())
    assert line.startswith(f"{checkout / name}:{expected}")
    assert all(str(checkout / name) in each for each in more)


def test_the_pages_of_this_checkout_have_no_fault():
    """README, pages and drawings pass; `make docs` checks the built pages, too."""
    assert main([]) == 0


def test_code_keeps_its_lines():
    """Code is blanked out, so that the lines of findings stay right."""
    blanked = faults.without_code(CLEAN)
    assert blanked.count("\n") == CLEAN.count("\n")
    assert "localhost" not in blanked
    assert "shop" not in blanked
