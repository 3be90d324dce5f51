"""Files, includes, libraries, titles and dialects."""

import pytest
from netlist_reading import read, refusal

from neurosim.circuit.files import Limits
from neurosim.circuit.reader import read_netlist
from neurosim.errors import NetlistError


def write(folder, **files):
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(text)
    return folder / "top.cir"


def names(circuit):
    return [instance.name for instance in circuit.instances]


def test_the_first_line_is_the_title():
    circuit = read_netlist("R1 a 0 1\nR2 a 0 1\n.end\nnonsense {")
    assert (circuit.title, names(circuit)) == ("R1 a 0 1", ["r2"])
    assert "the first line is the title" in circuit.notes[0].message
    assert read_netlist(b"* quiet\r\nR1 a 0 1\r\n").notes == ()
    assert read_netlist("t\n.title other\nR1 a 0 1").title == "other"


def test_files_and_digest(tmp_path):
    top = write(
        tmp_path, top_dot_cir="t\n.include 'sub__r.inc'\n".replace("__", "/"), sub__r_dot_inc="R1 a 0 1\n.end\nR9"
    )
    circuit = read_netlist(top)
    assert (names(circuit), circuit.path) == (["r1"], str(top))
    assert circuit.instances[0].location.path == "sub/r.inc"
    assert circuit.digest == read_netlist(str(top)).digest
    (tmp_path / "sub/r.inc").write_text("R1 a 0 2\n")
    assert circuit.digest != read_netlist(top).digest


def test_includes_are_relative_to_the_including_file(tmp_path):
    top = write(
        tmp_path,
        top_dot_cir='t\n.inc "lib/a.inc"\n',
        lib__a_dot_inc=".include b.inc\n",
        lib__b_dot_inc="R1 a 0 1\n",
    )
    assert names(read_netlist(top)) == ["r1"]


def test_library_sections(tmp_path):
    library = ".lib slow\n.param r=1\n.endl slow\n.lib fast\n.param r=2\n.endl\n.lib both\n.lib 'l.lib' fast\n"
    library += "R2 a 0 5\n.endl\n"
    for section, expected in (("slow", [1.0]), ("fast", [2.0]), ("both", [5.0, 2.0])):
        top = write(tmp_path, top_dot_cir=f"t\n.lib l.lib {section}\nR1 a 0 {{r}}\n", l_dot_lib=library)
        assert [i.values["resistance"] for i in read_netlist(top).instances] == expected
    top = write(tmp_path, top_dot_cir="t\n.lib l.lib medium\nR1 a 0 {r}\n")
    with pytest.raises(NetlistError, match="no section 'medium'"):
        read_netlist(top)


def test_sections_that_nobody_asks_for_are_told(tmp_path):
    text = "t\n.lib fast\n.param r=2\n.endl fast\n.lib slow\n.param r=3\n.endl\nR1 a 0 1\n"
    notes = read_netlist(text).notes
    assert [note.message for note in notes] == ["library sections 'fast', 'slow' not read: no .lib card asks for them"]
    assert (notes[0].location.line, notes[0].location.column) == (2, 6)
    top = write(tmp_path, top_dot_cir=text + ".lib top.cir slow\nR2 a 0 {r}\n")
    found = read_netlist(top)
    assert found.instances[1].values["resistance"] == 3.0
    assert [note.message for note in found.notes] == ["library section 'fast' not read: no .lib card asks for it"]


@pytest.mark.parametrize(
    ("library", "section", "message"),
    [
        (".lib slow\n.endl\n", "slwo", "no section 'slwo'(.|\n)*did you mean 'slow'"),
        (".param r=1\n", "slow", "no section 'slow'(.|\n)*the file has no sections"),
        (".lib slow\n.param r=1\n", "slow", "section 'slow' of l.lib is not closed(.|\n)*expected: .endl"),
    ],
)
def test_a_missing_section_is_an_error(tmp_path, library, section, message):
    top = write(tmp_path, top_dot_cir=f"t\n.lib l.lib {section}\nR1 a 0 1\n", l_dot_lib=library)
    with pytest.raises(NetlistError, match=message):
        read_netlist(top)


def test_a_library_without_section_is_an_include(tmp_path):
    top = write(tmp_path, top_dot_cir="t\n.lib m.lib\nX1 a s\n", m_dot_lib=".subckt s p\nR1 p 0 1\n.ends\n")
    assert names(read_netlist(top)) == ["x1.r1"]


def test_the_same_definitions_twice_are_one(tmp_path):
    library = ".subckt s p\nR1 p 0 rm\n.ends\n.model rm r(r=2)\n.func f(x)={x}\n.param q=1\n"
    top = write(tmp_path, top_dot_cir="t\n.include m.lib\n.include m.lib\nX1 a s\n", m_dot_lib=library)
    assert names(read_netlist(top)) == ["x1.r1"]


def test_ltspice_libraries_are_left_out_with_a_note():
    circuit = read(".lib C:\\PROGRA~1\\LTC\\LTSPIC~1\\lib\\cmp\\standard.dio\nR1 a 0 1\n.backanno")
    assert any("belongs to LTspice" in note.message for note in circuit.notes)


@pytest.mark.parametrize("name", ["../outside.inc", "/etc/passwd", "link.inc", "~/x"])
def test_includes_outside_the_folder_are_refused(tmp_path, name):
    (tmp_path / "outside.inc").write_text("R1 a 0 1\n")
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "link.inc").symlink_to(tmp_path / "outside.inc")
    (inner / "top.cir").write_text(f"t\n.include {name}\nR2 a 0 1\n")
    with pytest.raises(NetlistError, match=r"--allow-include|no file") as caught:
        read_netlist(inner / "top.cir")
    assert caught.value.location.line == 2
    if name in ("../outside.inc", "link.inc"):
        assert names(read_netlist(inner / "top.cir", allow_include=True)) == ["r1", "r2"]


@pytest.mark.parametrize("name", ["/dev/zero", ".", "a\x7fb", "x" * 5000, '""', "nothere"])
def test_what_is_no_file_is_refused(name):
    assert refusal(f".include {name}\nR1 a 0 1", allow_include=True).location is not None


def test_include_depth_and_cycles(tmp_path):
    top = write(tmp_path, top_dot_cir="t\n.include a.inc\n", a_dot_inc=".include b.inc\n", b_dot_inc=".include a.inc\n")
    with pytest.raises(NetlistError, match=r"includes itself: a\.inc > b\.inc"):
        read_netlist(top)
    for k in range(20):
        (tmp_path / f"i{k}.inc").write_text(f".include i{k + 1}.inc\n")
    top.write_text("t\n.include i0.inc\n")
    with pytest.raises(NetlistError, match="deeper than 16"):
        read_netlist(top)
    top.write_text("t\n" + ".include big.inc\n" * 20)
    (tmp_path / "big.inc").write_text("* " + "x" * 1000 + "\n")
    with pytest.raises(NetlistError, match=r"characters|bytes"):
        read_netlist(top, limits=Limits(characters=5000))


def test_texts_and_paths():
    with pytest.raises(NetlistError, match=r"no file 'nothere\.cir'"):
        read_netlist("nothere.cir")
    with pytest.raises(NetlistError, match="empty"):
        read_netlist("\n\n")
    with pytest.raises(NetlistError, match="empty"):
        read_netlist(b"")
    with pytest.raises(NetlistError, match=r"no file|cannot be read"):
        read_netlist("a\x00b")


@pytest.mark.parametrize(
    ("card", "dialect", "sign"),
    [
        ("R1 a 0 1", "ngspice", ""),
        ("* PARAMS: in a comment\nR1 a 0 1 ; if(x)", "ngspice", ""),
        ("X1 a s PARAMS: w=1\n.subckt s p PARAMS: w=2\nR1 p 0 {w}\n.ends", "pspice", "PARAMS:"),
        (".params a=1\nR1 a 0 1", "pspice", ".params"),
        ("B1 a 0 V=if(V(a)>0,1,2)", "pspice", "IF()"),
        ("G1 a 0 VALUE {V(a)}", "pspice", "VALUE {"),
        ("B1 a 0 I=sdt(V(a))", "pspice", "sdt()"),
        ("B1 a 0 I=idt(V(a))+if(V(a)>0,1,0)", "ltspice", "idt()"),
        (".options dialect=ltspice\nB1 a 0 V=if(V(a)>0,1,2)", "ltspice", ""),
    ],
)
def test_dialect_is_found_and_named(card, dialect, sign):
    circuit = read(card)
    assert circuit.dialect == dialect
    found = [note.message for note in circuit.notes if note.message.startswith("read as")]
    assert found == ([f"read as {dialect}, because of {sign}"] if sign else [])


def test_notes_on_the_dialect_only_when_it_was_not_stated():
    card = "B1 a 0 V=V(b)^3\nB2 b 0 V=V(a)^3"
    assert sum("depends on the dialect" in note.message for note in read(card).notes) == 1
    assert read(card, dialect="pspice").notes == ()
    assert read(".options dialect=pspice\n" + card).notes == ()
    with pytest.raises(NetlistError, match="unknown dialect 'hspice'"):
        read(card, dialect="hspice")
    assert refusal(".options dialect=hspice\n" + card).location.column == 18


def test_a_published_style_library_reads():
    circuit = read(
        """
.params alpha = 1e-
+ 3 beta=2
.func window(x,p) = 1-pwr(2*x-1,2*p)
.func sign2(v) {2*stp(v)-1}
.subckt memristor plus minus PARAMS:
+ Ron=100 Roff=16K Rinit=11K D=10N uv=10F p=10
* state
Gx 0 x value={ I(Emem)*uv*Ron/D^2*window(V(x),p)}
Cx x 0 1 IC={(Roff-Rinit)/(Roff-Ron)}
Raux x 0 1T
Emem plus aux value={-I(Emem)*V(x)*(Roff-Ron)}
Roff aux minus {Roff}
Eflux flux 0 value={SDT(V(plus,minus))}
.ic V(x)={(Roff-Rinit)/(Roff-Ron)}
.ends memristor
Vin in 0 SIN(0 {1*1} 1Hz)
X1 in 0 memristor Rinit=12k
.tran 0 3s 0 3m uic"""
    )
    assert circuit.initial_voltages["x1.x"] == pytest.approx(4000 / 15900)
    assert len(circuit.instances) == 7


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (".subckt s p\nR1 p 0 1", "is not closed"),
        (".ends", ".ends without .subckt"),
        (".subckt s p\n.ends t", "closes .subckt s"),
        (".subckt s p p\n.ends", "given twice"),
        (".subckt s 0\n.ends", "ground cannot be a port"),
        (".subckt", "without a name"),
        (".model m", "a name and a type"),
        (".model m ako:r r=1", "ako is not supported"),
        (".model m r(r=1)\n.model m r(r=2)", "defined twice"),
        (".param", "without a parameter"),
        (".param a", "<name>=<value>"),
        (".param a=", "without a value"),
        (".func f", "name and parameters"),
        (".func f(x)", "without a body"),
        (".global", "without a net"),
        (".include", "without a file name"),
        (".endl", "no open .lib section"),
        ("(a) b", "cannot begin with '('"),
        (".model m r(r=1 noise)\nR1 a 0 m", "where a parameter should be given"),
        (".ic v(a,b)=1\nR1 a b 1", "difference is not supported"),
    ],
)
def test_refusals(text, words):
    error = refusal(text)
    assert words in str(error)
    assert error.location is not None
