"""Builds what needs no sanitizer once for all configurations.

A sanitized configuration has an output folder and flags of its own, so all of it is compiled again.
That is wanted for our code, and wasted on what is only listed or generated.
"""

_PLAIN = {
    "//command_line_option:copt": ["-g0"],
    "//command_line_option:linkopt": [],
    "//command_line_option:platform_suffix": "",
    "//command_line_option:strip": "sometimes",
}

def _plain_impl(_settings, _attr):
    return _PLAIN

_plain = transition(
    implementation = _plain_impl,
    inputs = [],
    outputs = _PLAIN.keys(),
)

def _plain_cc_impl(ctx):
    target = ctx.attr.actual[0]
    return [target[CcInfo], target[DefaultInfo]]  # buildifier: disable=native-cc-info

plain_cc = rule(
    implementation = _plain_cc_impl,
    doc = "A cc_library, built the same way in every configuration.",
    attrs = {
        "actual": attr.label(cfg = _plain, mandatory = True, providers = [CcInfo]),  # buildifier: disable=native-cc-info
        "_allowlist_function_transition": attr.label(
            default = "@bazel_tools//tools/allowlists/function_transition_allowlist",
        ),
    },
)
