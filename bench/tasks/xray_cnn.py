"""A convolutional network that looks for pneumonia in chest X-rays.

The pictures are large and few, and nearly all weights are those of the dense layer over the map.
"""

from dataclasses import replace

from bench.core.fields import Pixels, Target
from bench.core.layers import Conv, Dense
from bench.core.losses import SigmoidCrossEntropy
from bench.core.metrics import BinaryAccuracy
from bench.core.optimizers import Adam
from bench.core.task import Budget, Task, Update

SMALL = Task(
    name="xray-cnn",
    title="Convolutional network on chest X-rays",
    dataset="xray",
    network="xray_cnn",
    fields={
        "image": Pixels(size=(1, 40, 40), mean=(0.0,), std=(1.0,)),
        "label": Target(about="1 for pneumonia, 0 for none"),
    },
    # 40 -> conv3 38 -> pool2 19 -> conv3 17 -> pool2 8
    layers=(
        Conv(name="conv1", inputs=1, outputs=32, kernel=3, output=(38, 38)),
        Conv(name="conv2", inputs=32, outputs=64, kernel=3, output=(17, 17)),
        Dense(name="hidden", inputs=64 * 8 * 8, outputs=64, flattened=(64, 8, 8)),
        Dense(name="output", inputs=64, outputs=1),
    ),
    updates=(Update(loss=SigmoidCrossEntropy(), optimizer=Adam(learning_rate=1e-3)),),
    metric=BinaryAccuracy(target=0.70),
    batch=16,
    heavy=True,
    presets={
        "quick": Budget(epochs=1, train_examples=160, test_examples=100),
        "standard": Budget(epochs=2, train_examples=800),
        "full": Budget(epochs=5),
    },
)

# In large pictures a quarter of a million values move each unit of the dense layer, all by the same
# rate, so that the second step is far from the first, and rounding soon is not small.
TASK = replace(
    SMALL,
    fields=dict(SMALL.fields, image=Pixels(size=(1, 256, 256), mean=(0.0,), std=(1.0,))),
    # 256 -> conv3 254 -> pool2 127 -> conv3 125 -> pool2 62
    layers=(
        Conv(name="conv1", inputs=1, outputs=32, kernel=3, output=(254, 254)),
        Conv(name="conv2", inputs=32, outputs=64, kernel=3, output=(125, 125)),
        Dense(name="hidden", inputs=64 * 62 * 62, outputs=64, flattened=(64, 62, 62)),
        Dense(name="output", inputs=64, outputs=1),
    ),
    proved_as=SMALL,
)
