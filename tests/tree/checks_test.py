# SPDX-License-Identifier: Apache-2.0
"""Each check of the tree passes a good tree and fails a bad one. The trees are written here, small."""

import contextlib
import io
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import check_format  # noqa: E402
import check_layers  # noqa: E402
import check_paths  # noqa: E402
import check_sizes  # noqa: E402
import check_words  # noqa: E402
import cpp_text  # noqa: E402


class TreeTest(unittest.TestCase):
    """A temporary folder to write small trees into, in a path with a space."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="weir tree ")
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)

    def write(self, files: dict[str, str]) -> None:
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    def run_check(self, check, *args) -> tuple[int, str]:
        with contextlib.redirect_stdout(io.StringIO()) as out:
            code = check.main([str(arg) for arg in args])
        return code, out.getvalue()


class CppText(unittest.TestCase):
    def test_comments_and_literals_go_and_lines_stay(self):
        text = 'int a; // one\n/* two\nthree */ f("four", \'"\', "\\"five");\nint b;'
        self.assertEqual(cpp_text.strip(text), 'int a;  \n \n f("", "", "");\nint b;')

    def test_raw_strings_go(self):
        self.assertEqual(cpp_text.strip('f(R"x(a " )" \n b)x", c);'), 'f(""\n, c);')

    def test_digit_separators_are_not_literals(self):
        self.assertEqual(cpp_text.strip("int n = 1'000'000; f('x');"), "int n = 1'000'000; f(\"\");")

    def test_a_comment_mark_in_a_string_starts_no_comment(self):
        self.assertEqual(cpp_text.strip('f("http://x"); throw_it();'), 'f(""); throw_it();')

    def test_a_continued_comment_line_is_a_comment(self):
        self.assertEqual(cpp_text.strip("// a \\\nthrow x;\nint b;"), " \n\nint b;")

    def test_includes_stay(self):
        self.assertEqual(cpp_text.strip('#include "base/x.h"'), '#include "base/x.h"')


class Layers(TreeTest):
    LAYERS = "weir\nbase\nkv text  # siblings\nengine\n"

    def check(self, files: dict[str, str]) -> tuple[int, str]:
        self.write({"layers.txt": self.LAYERS, "src/CMakeLists.txt": "", "include/weir/x.h": "", **files})
        return self.run_check(check_layers, self.root / "src", self.root / "layers.txt",
                              self.root / "include")

    def assert_refused(self, name: str, text: str, complaint: str) -> None:
        code, out = self.check({name: text})
        self.assertEqual(code, 1, out)
        self.assertIn(complaint, out)

    def test_good(self):
        code, out = self.check({
            "src/base/a.h": "#include <vector>\n#include <weir/x.h>\n",
            "src/kv/b.cpp": '#include "kv/b.h"\n# include  "base/a.h"\n#include <sys/mman.h>\n',
            "src/engine/c.cpp": '#include "kv/b.h"\n#include "text/t.h"\n// #include "engine/../x.h"\n',
        })
        self.assertEqual((code, out), (0, "layers: ok\n"))

    def test_upward(self):
        self.assert_refused("src/base/a.h", '#include "engine/c.h"\n', "base must not include engine")

    def test_siblings(self):
        self.assert_refused("src/kv/b.h", '\n#include "text/t.h"\n', "b.h:2: kv must not include text")

    def test_public_headers_use_nothing_of_src(self):
        self.assert_refused("include/weir/y.h", '#include "base/a.h"\n', "weir must not include base")

    def test_relative(self):
        self.assert_refused("src/kv/b.h", '#include "../base/a.h"\n', "not a path from src/")
        self.assert_refused("src/kv/b.h", '#include "base/../engine/a.h"\n', "not a path from src/")
        self.assert_refused("src/kv/b.h", '#include "./kv/b.h"\n', "not a path from src/")

    def test_bare_name(self):
        self.assert_refused("src/kv/b.cpp", '#include "b.h"\n', "does not start with a folder")

    def test_angles_around_a_folder_of_src(self):
        self.assert_refused("src/kv/b.cpp", "#include <base/a.h>\n", 'write "base/a.h"')
        self.assert_refused("src/kv/b.cpp", "#include <engine/a.h>\n", 'write "engine/a.h"')

    def test_quotes_around_a_public_header(self):
        self.assert_refused("src/kv/b.cpp", '#include "weir/x.h"\n', "write <weir/x.h>")

    def test_computed_include(self):
        self.assert_refused("src/kv/b.cpp", "#include NAME\n", "cannot read the include")

    def test_unknown_suffix(self):
        self.assert_refused("src/kv/b.hpp", "", "unknown suffix '.hpp'")

    def test_unknown_folder(self):
        self.assert_refused("src/other/b.h", "", "folder 'other' is not in layers.txt")
        self.assert_refused("src/b.h", "", "folder 'b.h' is not in layers.txt")


class Words(TreeTest):
    def check(self, rule: str, name: str, text: str) -> tuple[int, str]:
        self.write({name: text})
        return self.run_check(check_words, rule, self.root / "src")

    def test_vendor_words_in_code(self):
        for text in ("cudaStream_t s;", "#include <musa_runtime.h>", "__global__ void F();", "bool has_cuda;"):
            code, out = self.check("vendor", "src/attention/a.h", "\n" + text)
            self.assertEqual(code, 1, text)
            self.assertIn("a.h:2:", out)

    def test_vendor_words_in_comments_and_strings(self):
        text = '// as CUDA does\nconst char* kFlag = "--musa"; /* __global__ */\n'
        self.assertEqual(self.check("vendor", "src/attention/a.h", text), (0, "vendor: ok\n"))

    def test_vendor_words_at_home(self):
        self.write({"src/kernels/gpu/vendor/cuda.h": "cudaStream_t s;"})
        self.assertEqual(self.check("vendor", "src/tensor/gpu_device.cpp", "musaFree(p);")[0], 0)
        self.assertEqual(self.check("vendor", "src/tensor/cpu_device.cpp", "musaFree(p);")[0], 1)

    def test_getenv(self):
        self.assertEqual(self.check("getenv", "src/base/env.cpp", 'std::getenv("X");')[0], 0)
        self.assertEqual(self.check("getenv", "src/base/log.cpp", 'std::getenv("X");')[0], 1)
        self.assertEqual(self.check("getenv", "src/base/log.cpp", 'secure_getenv("X");')[0], 1)
        self.assertEqual(self.check("getenv", "src/base/log.cpp", "extern char** environ;")[0], 1)
        self.assertEqual(self.check("getenv", "src/base/log.cpp", "// no getenv here")[0], 0)

    def test_throw(self):
        self.assertEqual(self.check("throw", "src/kv/a.cpp", 'if (x) throw Error("y");')[0], 1)
        self.assertEqual(self.check("throw", "src/kv/a.cpp", '// never throw\nint throws = f("throw");')[0], 0)


class Paths(TreeTest):
    # Put together at run time, so that this file passes the check.
    BAD = "see /" + "home/someone/model"

    def test_good_and_bad(self):
        good = "/usr/share, ${TMPDIR:-/" + "tmp}/x, https://host/" + "home/page, src/" + "work/x"
        self.write({"docs/a.md": good, "build/b.md": self.BAD})
        self.assertEqual(self.run_check(check_paths, self.root)[0], 0)
        self.write({"docs/c.md": "\n" + self.BAD})
        code, out = self.run_check(check_paths, self.root)
        self.assertEqual(code, 1)
        self.assertIn("c.md:2:", out)

    def test_no_files_is_no_success(self):
        self.assertEqual(self.run_check(check_paths, self.root)[0], 1)


class Sizes(TreeTest):
    def test_prints_and_fails_nothing(self):
        body = "  f();\n" * check_sizes.FUNCTION_LINES
        self.write({
            "src/kv/big.h": "int x;\n" * (check_sizes.HEADER_LINES + 1),
            "src/kv/long.cpp": f"namespace a {{\nint Short(int a) {{ return a; }}\n\nvoid Long() {{\n{body}}}\n}}\n",
            "src/kv/wide.h": "struct S {\n  S(int a, M<int, int> b, int c, int d, int e, int f, int g) : a_(a) {}\n};\n",
        })
        code, out = self.run_check(check_sizes, self.root)
        self.assertEqual(code, 0)
        self.assertIn("big.h: 201 lines", out)
        self.assertIn("long.cpp:4: Long has 62 lines", out)
        self.assertIn("wide.h:2: S has 7 parameters", out)
        self.assertEqual(len(out.splitlines()), 3, out)


@unittest.skipUnless(check_format.find_clang_format(), "no clang-format 14 here")
class Format(TreeTest):
    def test_good_and_bad(self):
        shutil.copy(ROOT / ".clang-format", self.root)
        self.write({"src/a.h": "int* F(int a);\n"})
        self.assertEqual(self.run_check(check_format, self.root)[0], 0)
        self.write({"src/b.cpp": "int *F( int a );\n"})
        code, out = self.run_check(check_format, self.root)
        self.assertEqual(code, 1)
        self.assertIn("b.cpp", out)
        self.assertNotIn("a.h", out)


class Headers(TreeTest):
    PROJECT = """
        cmake_minimum_required(VERSION 3.24)
        project(fixture LANGUAGES CXX)
        include(WeirHeaders)
        weir_check_headers(good BASE_DIRS ${PROJECT_SOURCE_DIR} FILES good.h)
        weir_check_headers(bad BASE_DIRS ${PROJECT_SOURCE_DIR} FILES good.h bad.h)
    """

    def cmake(self, *args) -> int:
        command = [os.environ.get("CMAKE", "cmake"), *args]
        return subprocess.run(command, cwd=self.root, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL).returncode

    def test_good_and_bad(self):
        self.write({
            "CMakeLists.txt": self.PROJECT,
            "good.h": "#include <string>\nstd::string F();\n",
            "bad.h": "std::string G();\n",
        })
        self.assertEqual(self.cmake("-S", ".", "-B", "b", f"-DCMAKE_MODULE_PATH={ROOT}/cmake"), 0)
        target = "{}_verify_interface_header_sets".format
        self.assertEqual(self.cmake("--build", "b", "--target", target("good")), 0)
        self.assertNotEqual(self.cmake("--build", "b", "--target", target("bad")), 0)


if __name__ == "__main__":
    unittest.main()
