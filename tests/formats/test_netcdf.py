"""NetCDF: readable by others as plain variables with units."""

import numpy as np
import pytest
import scipy.io
import xarray

from neurosim import formats
from neurosim.errors import FormatError
from neurosim.results import Column, Result


def test_others_see_plain_variables_with_units(tmp_path):
    path = tmp_path / "x.nc"
    columns = {"v(out)": Column([1 + 2j, 3 - 1j], "V", "output"), "v(a/b)": Column([1.0, np.nan], "V")}
    formats.save(Result.build("frequency", [1.0, 10.0], columns, attrs={"method": "trapezoid", "seed": 2**60}), path)
    with scipy.io.netcdf_file(path, mmap=False) as file:
        assert set(file.variables) == {"frequency", "re:v(out)", "im:v(out)", "v(a%2Fb)"}
        assert file.variables["re:v(out)"].units == b"V"
        assert file.variables["frequency"].units == b"Hz"
        assert file.method == b"trapezoid"
        np.testing.assert_array_equal(file.variables["im:v(out)"][:], [2, -1])
    assert formats.load(path).attrs["seed"] == 2**60


def test_xarray_does_not_take_seconds_for_dates(tmp_path):
    formats.save(Result.build("time", [0.0, 0.5], {"v(a)": [1, 2]}), tmp_path / "x.nc")
    with xarray.open_dataset(tmp_path / "x.nc") as dataset:
        np.testing.assert_array_equal(dataset["time"].values, [0.0, 0.5])


def test_a_file_of_another_program(tmp_path):
    data = xarray.Dataset({"v": (("run", "time"), np.ones((2, 3)))}, coords={"run": [1, 2], "time": [0.0, 1.0, 2.0]})
    data.to_netcdf(tmp_path / "x.nc", engine="scipy")
    assert formats.load(tmp_path / "x.nc").dims == ("run", "time")
    data.drop_vars("time").to_netcdf(tmp_path / "y.nc", engine="scipy")
    with pytest.raises(FormatError, match="'time' of the dataset has no coordinate"):
        formats.load(tmp_path / "y.nc")


def test_refusals(tmp_path):
    with pytest.raises(FormatError, match="without points"):
        formats.save(Result.build("time", [], {"v(a)": []}), tmp_path / "x.nc")
    with pytest.raises(FormatError, match="'axis_name' is the file's own"):
        formats.save(Result.build(None, None, {"v(a)": 1}, attrs={"axis_name": "x"}), tmp_path / "x.nc")
    with pytest.raises(FormatError, match="type object"):
        formats.save(Result.build(None, None, {"v(a)": 1}, attrs={"x": object()}), tmp_path / "x.nc")
    assert not list(tmp_path.iterdir())
    (tmp_path / "x.nc").write_bytes(b"\x89HDF\r\n")
    with pytest.raises(FormatError, match="expected a NetCDF classic file"):
        formats.load(tmp_path / "x.nc")
