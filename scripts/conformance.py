#!/usr/bin/env python3
"""Compares random small quantized networks with TFLite's reference kernels, integer by integer.

    pip install ai-edge-litert==2.3.0 tflite numpy
    scripts/conformance.py [--graphs 300] [--each 60] [--inputs 2] [--seed 1] [--only CONV_2D,...] [--keep DIR]

Each network is a real .tflite file, UINT8 or INT8, with random shapes, strides, dilations, paddings and activations. First come `--each` networks
of every operator alone, whose scales are anything from 1e-9 to 1e4 and whose quantization changes where TFLite does not expect it; then
`--graphs` networks of one to five operators, whose scales are those of trained ones. They are run by LiteRT's interpreter with BUILTIN_REF, each
in a process of its own, since TFLite stops the program on some scales, and by `cargo run --example run_model`. Exit code 0: every output is
equal, and nothing was taken that TFLite refuses. ELU, which has one kernel only and is not part of BUILTIN_REF, is run without delegates.
"""
import argparse
import collections
import json
import os
import subprocess
import sys
import tempfile

import flatbuffers
import numpy as np
import tflite
from ai_edge_litert.interpreter import Interpreter, OpResolverType

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
UINT8, INT8, INT32 = tflite.TensorType.UINT8, tflite.TensorType.INT8, tflite.TensorType.INT32
SAME, VALID = tflite.Padding.SAME, tflite.Padding.VALID
ACTIVATIONS = [tflite.ActivationFunctionType.NONE, tflite.ActivationFunctionType.RELU, tflite.ActivationFunctionType.RELU6,
               tflite.ActivationFunctionType.RELU_N1_TO_1]
NUMPY = {UINT8: np.uint8, INT8: np.int8, INT32: np.int32}


class Network:
    """Tensors, operators and constants of a file under construction."""

    def __init__(self, dtype, rng, wild=False):
        self.dtype, self.rng, self.wild = dtype, rng, wild
        self.tensors, self.operators = [], []

    def scale(self, near=None):
        """A random scale: of a trained network or, if anything goes, of 1e-9 to 1e4, half of the time within some powers of two of `near`."""
        rng = self.rng
        if not self.wild:
            return float(np.float32(np.exp(rng.uniform(np.log(0.004), np.log(0.2)))))
        if near is not None and rng.random() < 0.5:
            return float(np.float32(np.clip(near * np.exp(rng.uniform(-5, 5)), 1e-9, 1e4)))
        return float(np.float32(np.exp(rng.uniform(np.log(1e-9), np.log(1e4)))))

    def limits(self):
        info = np.iinfo(NUMPY[self.dtype])
        return info.min, info.max

    def tensor(self, shape, scale=None, zero_point=None, dtype=None, data=None, dimension=0):
        """Adds a tensor; scales and zero points of activations are random unless given."""
        dtype = self.dtype if dtype is None else dtype
        if scale is None and dtype != INT32:
            scale = self.scale(self.tensors[0]["scale"] if self.tensors else None)
        if zero_point is None and dtype != INT32:
            low, high = self.limits()
            zero_point = int(self.rng.choice([low, high, (low + high + 1) // 2, self.rng.integers(low, high + 1)]))
        self.tensors.append(dict(shape=[int(d) for d in shape], scale=scale, zero_point=zero_point, dtype=dtype, data=data, dimension=dimension))
        return len(self.tensors) - 1

    def integers(self, values, shape=None):
        data = np.asarray(values, dtype=np.int32)
        return self.tensor(data.shape if shape is None else shape, dtype=INT32, data=data)

    def operator(self, name, inputs, outputs, options=None, fields=()):
        self.operators.append((name, inputs, outputs, options, fields))

    def shape(self, tensor):
        return self.tensors[tensor]["shape"]

    def like(self, tensor, shape=None):
        """A tensor of the same quantization; if anything goes, sometimes of another one."""
        source = self.tensors[tensor]
        if self.wild and self.rng.random() < 0.3:
            scale, zero_point = [(None, None), (source["scale"], None), (None, source["zero_point"])][int(self.rng.integers(3))]
            return self.tensor(source["shape"] if shape is None else shape, scale, zero_point, source["dtype"])
        return self.tensor(source["shape"] if shape is None else shape, source["scale"], source["zero_point"], source["dtype"])

    def encode(self, inputs, outputs):
        b = flatbuffers.Builder(1 << 16)
        buffers = [self._buffer(b, b"")]
        tensors = []
        for index, t in enumerate(self.tensors):
            buffer = 0
            if t["data"] is not None:
                buffer = len(buffers)
                buffers.append(self._buffer(b, np.ascontiguousarray(t["data"]).tobytes()))
            tensors.append(self._tensor(b, f"t{index}", t, buffer))
        names = sorted({o[0] for o in self.operators})
        operators = [self._operator(b, names, *o) for o in self.operators]
        codes = [self._code(b, name) for name in names]
        ops, tens = _offsets(b, operators), _offsets(b, tensors)
        ins, outs = _ints(b, inputs), _ints(b, outputs)
        tflite.SubGraphStart(b)
        tflite.SubGraphAddTensors(b, tens)
        tflite.SubGraphAddInputs(b, ins)
        tflite.SubGraphAddOutputs(b, outs)
        tflite.SubGraphAddOperators(b, ops)
        subgraphs = _offsets(b, [tflite.SubGraphEnd(b)])
        codes, buffers = _offsets(b, codes), _offsets(b, buffers)
        tflite.ModelStart(b)
        tflite.ModelAddVersion(b, 3)
        tflite.ModelAddOperatorCodes(b, codes)
        tflite.ModelAddSubgraphs(b, subgraphs)
        tflite.ModelAddBuffers(b, buffers)
        b.Finish(tflite.ModelEnd(b), b"TFL3")
        return bytes(b.Output())

    @staticmethod
    def _buffer(b, data):
        vector = b.CreateByteVector(data) if data else None
        tflite.BufferStart(b)
        if vector is not None:
            tflite.BufferAddData(b, vector)
        return tflite.BufferEnd(b)

    @staticmethod
    def _tensor(b, name, t, buffer):
        quantization = None
        if t["scale"] is not None:
            scale = b.CreateNumpyVector(np.atleast_1d(np.asarray(t["scale"], dtype=np.float32)))
            zero = b.CreateNumpyVector(np.atleast_1d(np.asarray(t["zero_point"], dtype=np.int64)))
            tflite.QuantizationParametersStart(b)
            tflite.QuantizationParametersAddScale(b, scale)
            tflite.QuantizationParametersAddZeroPoint(b, zero)
            tflite.QuantizationParametersAddQuantizedDimension(b, t["dimension"])
            quantization = tflite.QuantizationParametersEnd(b)
        shape, name = _ints(b, t["shape"]), b.CreateString(name)
        tflite.TensorStart(b)
        tflite.TensorAddShape(b, shape)
        tflite.TensorAddType(b, t["dtype"])
        tflite.TensorAddBuffer(b, buffer)
        tflite.TensorAddName(b, name)
        if quantization is not None:
            tflite.TensorAddQuantization(b, quantization)
        return tflite.TensorEnd(b)

    @staticmethod
    def _code(b, name):
        code = getattr(tflite.BuiltinOperator, name)
        tflite.OperatorCodeStart(b)
        tflite.OperatorCodeAddDeprecatedBuiltinCode(b, min(code, 127))
        tflite.OperatorCodeAddBuiltinCode(b, code)
        tflite.OperatorCodeAddVersion(b, 1)
        return tflite.OperatorCodeEnd(b)

    @staticmethod
    def _operator(b, names, name, inputs, outputs, options, fields):
        table = None
        if options is not None:
            fields = [(key, _ints(b, value) if isinstance(value, list) else value) for key, value in fields]
            getattr(tflite, f"{options}Start")(b)
            for key, value in fields:
                getattr(tflite, f"{options}Add{key}")(b, value)
            table = getattr(tflite, f"{options}End")(b)
        ins, outs = _ints(b, inputs), _ints(b, outputs)
        tflite.OperatorStart(b)
        tflite.OperatorAddOpcodeIndex(b, names.index(name))
        tflite.OperatorAddInputs(b, ins)
        tflite.OperatorAddOutputs(b, outs)
        if table is not None:
            tflite.OperatorAddBuiltinOptionsType(b, getattr(tflite.BuiltinOptions, options))
            tflite.OperatorAddBuiltinOptions(b, table)
        return tflite.OperatorEnd(b)


def _ints(b, values):
    return b.CreateNumpyVector(np.asarray(values, dtype=np.int32))


def _offsets(b, offsets):
    b.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        b.PrependUOffsetTRelative(offset)
    return b.EndVector()


# One function for each operator: takes a network and a tensor, returns the tensor after it, or None where it does not fit.

def window(n, shape, kernels=(1, 2, 3, 4, 5), dilations=(1,)):
    """Random kernel, stride, dilation and padding with the output's size."""
    rng = n.rng
    kernel = [int(rng.choice(kernels)) for _ in range(2)]
    dilation = [int(rng.choice(dilations)) for _ in range(2)]
    stride = [1, 1] if max(dilation) > 1 else [int(rng.choice([1, 1, 2, 3])) for _ in range(2)]
    padding = int(rng.choice([SAME, VALID]))
    out = []
    for axis in range(2):
        extent = (kernel[axis] - 1) * dilation[axis] + 1
        size = shape[1 + axis]
        out.append(-(-size // stride[axis]) if padding == SAME else (size + stride[axis] - extent) // stride[axis])
    return kernel, stride, dilation, padding, out


def filters(n, shape, channels, dimension, fan_in, x):
    """Filter and bias, and a scale with which the output spreads over its type."""
    rng = n.rng
    factor = float(np.exp(rng.uniform(np.log(1e-7), np.log(1e6)))) if n.wild else 1.0
    if n.dtype == UINT8:
        weights = rng.integers(0, 256, shape).astype(np.uint8)
        scale, zero = float(np.float32(factor * rng.uniform(0.001, 0.02))), int(rng.integers(90, 170))
    else:
        weights = rng.integers(-127, 128, shape).astype(np.int8)
        per_channel = rng.random() < 0.7
        scale = (factor * rng.uniform(0.001, 0.02, channels if per_channel else 1)).astype(np.float32)
        if n.wild and rng.random() < 0.3:
            scale = np.exp(rng.uniform(np.log(1e-9), np.log(1e4), scale.shape)).astype(np.float32)
        if dimension != "matrix" and rng.random() < 0.1:
            scale = scale * rng.choice([-1, 1], scale.shape).astype(np.float32)
        zero = np.zeros(scale.shape, dtype=np.int64)
    limit = int(74 * 100 * np.sqrt(fan_in) / 2) + 1
    biases = rng.integers(-limit, limit + 1, channels).astype(np.int32)
    if n.wild and n.dtype == INT8 and scale.size == channels and rng.random() < 0.3:
        # Channels that training switched off.
        dead = rng.random(channels) < 0.5
        scale[dead], biases[dead] = np.float32(1e-16), rng.choice([-(2**31 - 1), 2**31 - 1])
    filter_ = n.tensor(shape, scale, zero, data=weights, dimension=0 if dimension == "matrix" else dimension)
    input_scale = n.tensors[x]["scale"]
    spread = float(np.mean(np.abs(scale))) * input_scale * 74 * 100 * np.sqrt(fan_in)
    bias_scale = np.float32(input_scale) * np.asarray(scale, dtype=np.float32)
    bias = n.tensor([channels], bias_scale, np.zeros(np.shape(bias_scale), dtype=np.int64), INT32, biases)
    return filter_, bias, n.scale(spread / 60) if n.wild else float(np.float32(spread / 60 * np.exp(rng.uniform(-1, 1))))


def conv(n, x, force=None):
    shape = n.shape(x)
    if len(shape) != 4:
        return None
    kernel, stride, dilation, padding, out = window(n, shape, dilations=(1, 1, 2, 3, 9))
    if min(out) <= 0:
        return None
    # Of a part of the channels each: one group in most networks.
    groups = int(n.rng.choice([1] * shape[3] + [g for g in range(1, shape[3] + 1) if shape[3] % g == 0]))
    channels = groups * int(n.rng.integers(1, max(2, 9 // groups)))
    depth = shape[3] // groups
    weights, bias, scale = filters(n, [channels, *kernel, depth], channels, 0, kernel[0] * kernel[1] * depth, x)
    y = n.tensor([1, *out, channels], scale)
    n.operator("CONV_2D", [x, weights, bias], [y], "Conv2DOptions", [
        ("Padding", padding), ("StrideH", stride[0]), ("StrideW", stride[1]), ("DilationHFactor", dilation[0]),
        ("DilationWFactor", dilation[1]), ("FusedActivationFunction", int(n.rng.choice(ACTIVATIONS)))])
    return y


def depthwise(n, x):
    shape = n.shape(x)
    if len(shape) != 4:
        return None
    kernel, stride, dilation, padding, out = window(n, shape, dilations=(1, 1, 2))
    if min(out) <= 0:
        return None
    multiplier = int(n.rng.choice([1, 1, 2, 3]))
    channels = shape[3] * multiplier
    weights, bias, scale = filters(n, [1, *kernel, channels], channels, 3, kernel[0] * kernel[1], x)
    y = n.tensor([1, *out, channels], scale)
    n.operator("DEPTHWISE_CONV_2D", [x, weights, bias], [y], "DepthwiseConv2DOptions", [
        ("Padding", padding), ("StrideH", stride[0]), ("StrideW", stride[1]), ("DilationHFactor", dilation[0]),
        ("DilationWFactor", dilation[1]), ("DepthMultiplier", multiplier), ("FusedActivationFunction", int(n.rng.choice(ACTIVATIONS)))])
    return y


def fully_connected(n, x):
    shape = n.shape(x)
    keep = n.rng.random() < 0.3
    depth = shape[-1] if keep or n.rng.random() < 0.3 else int(np.prod(shape))
    units = int(n.rng.integers(1, 40))
    weights, bias, scale = filters(n, [units, depth], units, "matrix", depth, x)
    rows = int(np.prod(shape)) // depth
    y = n.tensor([*shape[:-1], units] if keep else [rows, units], scale)
    with_bias = n.rng.random() < 0.8
    n.operator("FULLY_CONNECTED", [x, weights, bias if with_bias else -1], [y], "FullyConnectedOptions", [
        ("KeepNumDims", bool(keep)), ("FusedActivationFunction", int(n.rng.choice(ACTIVATIONS)))])
    return y


def elementwise(name, options):
    def build(n, x):
        shape, rng = n.shape(x), n.rng
        kind = rng.choice(["same", "self", "broadcast", "scalar", "channel", "partial"])
        low, high = n.limits()
        if kind == "self":
            other = x
        elif kind in ("scalar", "channel", "partial"):
            # A constant of any shape that is repeated to the tensor's.
            sides = [side if rng.random() < 0.6 else 1 for side in shape]
            size = {"scalar": [], "channel": [shape[-1]], "partial": sides[int(rng.integers(len(sides))):]}[str(kind)]
            other = n.tensor(size, data=rng.integers(low, high + 1, size).astype(NUMPY[n.dtype]))
        else:
            # A second tensor computed from the first.
            other = n.tensor(shape)
            n.operator("QUANTIZE", [x], [other], "QuantizeOptions")
            if kind == "broadcast" and len(shape) == 4:
                pooled = n.like(other, [1, 1, 1, shape[3]])
                n.operator("MAX_POOL_2D", [other], [pooled], "Pool2DOptions", [
                    ("Padding", VALID), ("StrideH", 1), ("StrideW", 1), ("FilterHeight", shape[1]), ("FilterWidth", shape[2])])
                other = pooled
        a, b = n.tensors[x]["scale"], n.tensors[other]["scale"]
        scale = a * b * 128 if name == "MUL" else max(a, b)
        y = n.tensor(shape, n.scale(scale) if n.wild else float(np.float32(scale * np.exp(rng.uniform(-0.5, 1)))))
        inputs = [x, other] if rng.random() < 0.6 else [other, x]
        n.operator(name, inputs, [y], options, [("FusedActivationFunction", int(rng.choice(ACTIVATIONS)))])
        return y
    return build


def pool(name):
    def build(n, x):
        shape = n.shape(x)
        if len(shape) != 4:
            return None
        kernel, stride, _, padding, out = window(n, shape, kernels=(1, 2, 3, 4, 7))
        if min(out) <= 0:
            return None
        y = n.like(x, [1, *out, shape[3]])
        n.operator(name, [x], [y], "Pool2DOptions", [
            ("Padding", padding), ("StrideH", stride[0]), ("StrideW", stride[1]), ("FilterHeight", kernel[0]), ("FilterWidth", kernel[1]),
            ("FusedActivationFunction", int(n.rng.choice(ACTIVATIONS)))])
        return y
    return build


def mean(n, x):
    shape = n.shape(x)
    if len(shape) != 4:
        return None
    axes = [[1, 2], [2, 1], [-3, -2], [1], [2]][int(n.rng.integers(5))]
    keep = bool(n.rng.random() < 0.5)
    resolved = {axis % 4 for axis in axes}
    out = [1 if axis in resolved else size for axis, size in enumerate(shape) if keep or axis not in resolved]
    near = n.tensors[x]["scale"]
    scale = n.rng.choice([near, n.scale(near)]) if n.wild else near * np.exp(n.rng.uniform(-1.5, 0.5))
    y = n.tensor(out, float(np.float32(scale)))
    n.operator("MEAN", [x, n.integers(axes)], [y], "ReducerOptions", [("KeepDims", keep)])
    return y


def pad(name):
    def build(n, x):
        shape = n.shape(x)
        borders = n.rng.integers(0, 3, (len(shape), 2))
        borders[0] = 0
        y = n.like(x, np.asarray(shape) + borders.sum(1))
        if name == "PAD":
            n.operator("PAD", [x, n.integers(borders)], [y], "PadOptions")
            return y
        low, high = n.limits()
        value = n.like(y, [1])
        n.tensors[value]["data"] = n.rng.integers(low, high + 1, 1).astype(NUMPY[n.dtype])
        n.operator("PADV2", [x, n.integers(borders), value], [y], "PadV2Options")
        return y
    return build


def reshape(n, x):
    shape = n.shape(x)
    size = int(np.prod(shape))
    out = [[1, size], [1, -1], [1, 1, 1, size], [1, size // shape[-1], 1, shape[-1]], [1, -1, 1, shape[-1]]][int(n.rng.integers(5))]
    y = n.like(x, [size // -int(np.prod(out)) if d == -1 else d for d in out])
    n.operator("RESHAPE", [x, n.integers(out)], [y], "ReshapeOptions", [("NewShape", out)])
    return y


def squeeze(n, x):
    shape = n.shape(x)
    ones = [axis for axis, size in enumerate(shape) if size == 1 and (axis > 0 or n.wild)]
    if not ones or len(shape) < 2:
        return None
    dims = [int(n.rng.choice(ones))]
    y = n.like(x, [size for axis, size in enumerate(shape) if axis not in dims])
    n.operator("SQUEEZE", [x], [y], "SqueezeOptions", [("SqueezeDims", dims)])
    return y


def expand_dims(n, x):
    shape = n.shape(x)
    if len(shape) >= 4:
        return None
    axis = int(n.rng.integers(0, len(shape) + 1))
    y = n.like(x, shape[:axis] + [1] + shape[axis:])
    n.operator("EXPAND_DIMS", [x, n.integers(axis, [1])], [y], "ExpandDimsOptions")
    return y


def concatenation(n, x):
    shape = n.shape(x)
    axis = int(n.rng.integers(1, len(shape))) if len(shape) > 1 else 0
    if n.dtype == UINT8 and n.rng.random() < 0.7:
        other, y_like = n.tensor(shape), None
        n.operator("QUANTIZE", [x], [other], "QuantizeOptions")
    else:
        other, y_like = x, x
    out = list(shape)
    out[axis] *= 2
    y = n.tensor(out) if y_like is None else n.like(y_like, out)
    signed = axis - len(shape) if n.rng.random() < 0.5 else axis
    n.operator("CONCATENATION", [x, other], [y], "ConcatenationOptions", [("Axis", signed)])
    return y


def function(name, options=None, fields=lambda n: [], quantization=lambda n: (None, None)):
    def build(n, x):
        scale, zero = quantization(n) if not n.wild or n.rng.random() < 0.7 else (None, None)
        y = n.tensor(n.shape(x), scale, zero)
        n.operator(name, [x], [y], options, fields(n))
        return y
    return build


def quantize(n, x):
    if n.rng.random() < 0.7:
        y = n.tensor(n.shape(x))
    else:
        n.dtype = INT8 if n.dtype == UINT8 else UINT8
        scale, zero = n.tensors[x]["scale"], n.tensors[x]["zero_point"]
        y = n.tensor(n.shape(x), scale, zero + (128 if n.dtype == UINT8 else -128)) if n.rng.random() < 0.5 else n.tensor(n.shape(x))
    n.operator("QUANTIZE", [x], [y], "QuantizeOptions")
    return y


OPERATORS = {
    "CONV_2D": conv,
    "DEPTHWISE_CONV_2D": depthwise,
    "FULLY_CONNECTED": fully_connected,
    "ADD": elementwise("ADD", "AddOptions"),
    "SUB": elementwise("SUB", "SubOptions"),
    "MUL": elementwise("MUL", "MulOptions"),
    "AVERAGE_POOL_2D": pool("AVERAGE_POOL_2D"),
    "MAX_POOL_2D": pool("MAX_POOL_2D"),
    "MEAN": mean,
    "PAD": pad("PAD"),
    "PADV2": pad("PADV2"),
    "RESHAPE": reshape,
    "SQUEEZE": squeeze,
    "EXPAND_DIMS": expand_dims,
    "CONCATENATION": concatenation,
    "RELU": function("RELU"),
    "RELU6": function("RELU6"),
    "RELU_N1_TO_1": function("RELU_N1_TO_1"),
    "LEAKY_RELU": function("LEAKY_RELU", "LeakyReluOptions", lambda n: [("Alpha", float(n.rng.choice([0.01, 0.2, 0.3, 0.9, 1.5, 0, -0.1, -1, -2.5])))]),
    "HARD_SWISH": function("HARD_SWISH", "HardSwishOptions"),
    "LOGISTIC": function("LOGISTIC", quantization=lambda n: (1 / 256, 0 if n.dtype == UINT8 else -128)),
    "TANH": function("TANH", quantization=lambda n: (1 / 128, 128 if n.dtype == UINT8 else 0)),
    "ELU": function("ELU"),
    "QUANTIZE": quantize,
}


def random_network(rng, names, wild=False):
    """Bytes of a file, the shape and type of its input, and its operators. If anything goes, of one operator, with whatever scales."""
    n = Network(int(rng.choice([UINT8, INT8])), rng, wild)
    dtype = n.dtype
    x = first = n.tensor(first_shape(rng, names) if wild else [1, *rng.integers(1, 13, 2), rng.integers(1, 7)])
    wanted = 1 if wild else int(rng.integers(1, 6))
    for _ in range(40):
        built = OPERATORS[str(rng.choice(names))](n, x)
        x = x if built is None else built
        wanted -= built is not None
        if wanted == 0 or int(np.prod(n.shape(x))) > 4000:
            break
    if x == first:
        return random_network(rng, names, wild)
    return n.encode([first], [x]), n.shape(first), NUMPY[dtype], [o[0] for o in n.operators]


def first_shape(rng, names):
    """The input's shape of a network of one operator."""
    if names[0] == "EXPAND_DIMS":
        return [1, *rng.integers(1, 9, 2)]
    if names[0] == "SQUEEZE":
        return [1, 1, *rng.integers(1, 9, 2)]
    return [1, *rng.integers(1, 9, 2), rng.integers(1, 7)]


def reference(path, values, operators):
    """The outputs of TFLite's kernels; None where it refuses the file or stops the program."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        try:
            with os.fdopen(write, "wb") as out:
                out.write(interpreted(path, values, operators).astype("<i2").tobytes())
            os._exit(0)
        finally:
            os._exit(1)
    os.close(write)
    with os.fdopen(read, "rb") as answer:
        found = answer.read()
    status = os.waitpid(child, 0)[1]
    return np.frombuffer(found, "<i2").astype(int) if status == 0 else None


def interpreted(path, values, operators):
    resolver = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES if "ELU" in operators else OpResolverType.BUILTIN_REF
    it = Interpreter(path, num_threads=1, experimental_op_resolver_type=resolver)
    it.allocate_tensors()
    it.set_tensor(it.get_input_details()[0]["index"], values)
    it.invoke()
    return it.get_tensor(it.get_output_details()[0]["index"]).reshape(-1)


class Comparison:
    """Runs networks on both sides and counts what came of them."""

    def __init__(self, binary, folder, arguments):
        self.binary, self.folder, self.arguments = binary, folder, arguments
        self.counts, self.refusals, self.used = collections.Counter(), collections.Counter(), collections.Counter()
        self.integers = 0

    def run(self, label, network, rng):
        data, shape, dtype, operators = network
        model, array = f"{self.folder}/model.tflite", f"{self.folder}/input.npy"
        with open(model, "wb") as f:
            f.write(data)
        outcomes = []
        for _ in range(self.arguments.inputs):
            info = np.iinfo(dtype)
            values = rng.integers(info.min, info.max + 1, shape).astype(dtype)
            np.save(array, values)
            expected = reference(model, values, operators)
            run = subprocess.run([self.binary, model, array], capture_output=True, text=True, check=True)
            outcomes.append(self.outcome(label, operators, expected, json.loads(run.stdout)))
            if outcomes[-1] in ("DIFFERENT", "taken, refused by TFLite") and self.arguments.keep:
                os.makedirs(self.arguments.keep, exist_ok=True)
                with open(f"{self.arguments.keep}/{label}.tflite", "wb") as f:
                    f.write(data)
                np.save(f"{self.arguments.keep}/{label}.npy", values)
        self.counts.update(outcomes)
        return outcomes

    def outcome(self, label, operators, expected, answer):
        if expected is None:
            if "refused" in answer:
                return "refused by both"
            print(f"{label}: taken although TFLite refuses {operators}")
            return "taken, refused by TFLite"
        if "refused" in answer:
            self.refusals[answer["refused"]] += 1
            return "refused only here"
        found = np.asarray(answer["output"])
        if np.array_equal(expected, found):
            self.used.update(set(operators))
            self.integers += expected.size
            return "equal"
        different = "sizes" if found.shape != expected.shape else f"{int((found != expected).sum())} of {expected.size}"
        print(f"{label}: DIFFERENT {different}: {operators}")
        return "DIFFERENT"


OUTCOMES = ["equal", "refused by both", "refused only here", "taken, refused by TFLite", "DIFFERENT"]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--graphs", type=int, default=300)
    p.add_argument("--each", type=int, default=60)
    p.add_argument("--inputs", type=int, default=2)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--only", help="operators, separated by commas")
    p.add_argument("--keep", help="folder for the files of networks that differ")
    p.add_argument("--binary", help="the built example run_model")
    a = p.parse_args()
    names = a.only.split(",") if a.only else list(OPERATORS)
    binary = a.binary
    if binary is None:
        subprocess.run(["cargo", "build", "--release", "-q", "-p", "verinfer-import", "--example", "run_model"], cwd=ROOT, check=True)
        target = os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))
        binary = os.path.join(target, "release", "examples", "run_model")
    with tempfile.TemporaryDirectory() as folder:
        comparison = Comparison(binary, folder, a)
        print("scales of 1e-9 to 1e4:".ljust(24), ", ".join(OUTCOMES))
        for number, name in enumerate(names):
            row = collections.Counter()
            for index in range(a.each):
                rng = np.random.default_rng([a.seed, number, index])
                row.update(comparison.run(f"{name}-{index}", random_network(rng, [name], wild=True), rng))
            print(name.ljust(24), ", ".join(str(row[outcome]) for outcome in OUTCOMES), flush=True)
        trained = [name for name in names if name != "ELU"]
        for index in range(a.graphs if trained else 0):
            rng = np.random.default_rng([a.seed, index])
            comparison.run(str(index), random_network(rng, ["ELU"] if index % 25 == 24 else trained), rng)
    for reason, number in comparison.refusals.most_common(40):
        print(f"{number:5} refused only here: {reason}")
    print("operators in equal networks:", ", ".join(f"{name} {number}" for name, number in comparison.used.most_common()))
    counts = comparison.counts
    print(f"{comparison.integers} integers equal;", dict(counts))
    return 1 if counts["DIFFERENT"] or counts["taken, refused by TFLite"] or not counts["equal"] else 0


if __name__ == "__main__":
    sys.exit(main())
