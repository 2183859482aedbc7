#!/usr/bin/env python3
"""Trains the digits network and writes everything else in this folder.

    pip install -r requirements.txt
    python train.py [--out DIR]

Writes digits_int8.tflite, labels.txt, samples/digit-<label>-<row>.png and prints the accuracies as JSON.

The data are the 1,797 handwritten digits of `sklearn.datasets.load_digits`, 8x8 pixels with values 0 to 16. A pixel value v becomes
the byte (255 v + 8) // 16; the float network sees byte / 255, the int8 network byte - 128.
"""
import argparse, json, os, pathlib

# Same sums in the same order on every machine, as far as TensorFlow offers it; set before TensorFlow is loaded.
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import tensorflow as tf
from PIL import Image
from scipy import ndimage
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

SEED = 20
EPOCHS = 60
BATCH = 32


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).parent)
    out = parser.parse_args().out
    tf.keras.utils.set_random_seed(SEED)
    tf.config.experimental.enable_op_determinism()

    pixels, labels, train, test = dataset()
    network = train_float(pixels[train], labels[train])
    model = quantize(network, pixels[train])

    (out / "samples").mkdir(parents=True, exist_ok=True)
    (out / "digits_int8.tflite").write_bytes(model)
    (out / "labels.txt").write_text("".join(f"{digit}\n" for digit in range(10)))
    for digit in range(10):
        row = next(i for i in test if labels[i] == digit)
        Image.fromarray(pixels[row]).save(out / "samples" / f"digit-{digit}-{row}.png")

    scores = network.predict(as_float(pixels[test]), verbose=0)
    print(json.dumps({
        "train_images": len(train),
        "test_images": len(test),
        "parameters": network.count_params(),
        "float_correct": int((scores.argmax(1) == labels[test]).sum()),
        "int8_correct": int((run_int8(model, pixels[test]).argmax(1) == labels[test]).sum()),
        "bytes": len(model),
    }, indent=1))


def dataset():
    """Pixels (1797, 8, 8) as bytes, labels, and the row numbers of a stratified 80/20 split, in increasing order."""
    digits = load_digits()
    pixels = ((digits.images.astype(np.int64) * 255 + 8) // 16).astype(np.uint8)
    rows = np.arange(len(pixels))
    train, test = train_test_split(rows, test_size=0.2, random_state=SEED, stratify=digits.target)
    return pixels, digits.target, np.sort(train), np.sort(test)


def as_float(pixels):
    return (pixels.astype(np.float32) / 255.0)[..., None]


def train_float(pixels, labels):
    """Trains on images that are turned, moved and scaled a little anew in every epoch."""
    network = architecture()
    rate = tf.keras.optimizers.schedules.CosineDecay(4e-3, EPOCHS * (len(pixels) // BATCH))
    network.compile(tf.keras.optimizers.Adam(rate), tf.keras.losses.SparseCategoricalCrossentropy())
    rng = np.random.default_rng(SEED)
    for _ in range(EPOCHS):
        order = rng.permutation(len(pixels))
        images = np.stack([distort(image, rng) for image in pixels[order]])
        network.fit(as_float(images), labels[order], batch_size=BATCH, epochs=1, shuffle=False, verbose=0)
    return network


def architecture(batch=None):
    """Two residual blocks of MobileNet's kind between a convolution and a linear classifier."""
    layers = tf.keras.layers

    def conv(x, channels, kernel, relu):
        x = layers.Conv2D(channels, kernel, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization()(x)
        return layers.ReLU(6.0)(x) if relu else x

    def depthwise(x):
        x = layers.DepthwiseConv2D(3, padding="same", use_bias=False)(x)
        return layers.ReLU(6.0)(layers.BatchNormalization()(x))

    def inverted_residual(x, expanded):
        y = depthwise(conv(x, expanded, 1, relu=True))
        return layers.Add()([x, conv(y, x.shape[-1], 1, relu=False)])

    image = layers.Input(batch_shape=(batch, 8, 8, 1))
    x = conv(image, 16, 3, relu=True)
    x = inverted_residual(x, 48)
    x = layers.MaxPooling2D(2)(x)
    x = conv(x, 32, 3, relu=True)
    x = inverted_residual(x, 64)
    x = layers.AveragePooling2D(2)(x)
    x = layers.Flatten()(x)
    x = layers.Dropout(0.2)(x)
    return tf.keras.Model(image, layers.Dense(10, activation="softmax")(x))


def distort(image, rng):
    angle, scale, shift = rng.uniform(-0.2, 0.2), rng.uniform(0.9, 1.1), rng.uniform(-0.7, 0.7, 2)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) / scale
    centre = np.array([3.5, 3.5])
    moved = ndimage.affine_transform(image.astype(np.float64), turn, centre - turn @ (centre + shift), order=1)
    return np.clip(np.rint(moved), 0, 255).astype(np.uint8)


def quantize(network, pixels):
    """Full integer quantization, per channel. The training images reach 0 and 255, so the input scale is 1/255 and its zero point -128."""
    single = architecture(batch=1)
    single.set_weights(network.get_weights())
    converter = tf.lite.TFLiteConverter.from_keras_model(single)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([image[None]] for image in as_float(pixels))
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.int8
    return converter.convert()


def run_int8(model, pixels):
    """Outputs of TFLite's reference kernels."""
    resolver = tf.lite.experimental.OpResolverType.BUILTIN_REF
    interpreter = tf.lite.Interpreter(model_content=model, experimental_op_resolver_type=resolver)
    interpreter.allocate_tensors()
    source, result = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    scale, zero_point = source["quantization"]
    assert zero_point == -128 and abs(scale - 1 / 255) < 1e-9, (scale, zero_point)
    outputs = []
    for image in pixels:
        interpreter.set_tensor(source["index"], (image.astype(np.int16) - 128).astype(np.int8)[None, ..., None])
        interpreter.invoke()
        outputs.append(interpreter.get_tensor(result["index"])[0])
    return np.stack(outputs)


if __name__ == "__main__":
    main()
