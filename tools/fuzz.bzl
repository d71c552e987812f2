"""cc_fuzz_target: one LLVMFuzzerTestOneInput, two programs."""

def cc_fuzz_target(name, srcs, deps = [], corpus = [], dict = None, size = "small", tags = []):
    """A fuzz target, and a test that replays its corpus.

    In the configuration `fuzz` (clang), NAME is a libFuzzer program; tools/fuzz finds it by its tag
    and runs it. In every other configuration NAME_regression_test runs each file of the corpus, and
    bounded mutations of each, through the same function.

    Args:
      name: of the fuzzer; the test is NAME_regression_test.
      srcs: the source with LLVMFuzzerTestOneInput.
      deps: libraries under test.
      corpus: files, usually glob(["testdata/NAME/**"]): seeds, and every input that once failed.
      dict: a libFuzzer dictionary.
      size: of the regression test.
      tags: more tags for both.
    """
    native.filegroup(
        name = name + "_corpus",
        srcs = corpus,
        tags = ["fuzz-corpus"],
        visibility = ["//visibility:private"],
    )
    native.cc_binary(
        name = name,
        testonly = True,
        srcs = srcs,
        data = [":" + name + "_corpus"] + ([dict] if dict else []),
        linkopts = select({
            "//tools:fuzzing": ["-fsanitize=fuzzer"],
            "//conditions:default": [],
        }),
        # Without libFuzzer it has no main; //... leaves it out.
        tags = ["fuzz", "manual"] + tags,
        deps = deps,
    )
    native.cc_test(
        name = name + "_regression_test",
        size = size,
        srcs = srcs,
        args = ["$(rootpaths :%s_corpus)" % name] if corpus else [],
        data = [":" + name + "_corpus"],
        tags = tags,
        deps = deps + ["//tools:fuzz_replay_main"],
    )
