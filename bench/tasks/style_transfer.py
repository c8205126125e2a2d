"""A photograph in the style of a painting: Gatys, Ecker and Bethge (2016), through VGG-19.

https://openaccess.thecvf.com/content_cvpr_2016/html/Gatys_Image_Style_Transfer_CVPR_2016_paper.html
Only the picture is trained. The network of Simonyan and Zisserman (2014) has average pooling, as
Gatys et al. suggest, and weights that are drawn, as they are for every task (see He, Wang and
Hopcroft, 2016), or that a user gives: pictures are normalized as torchvision's users do. What it
makes of the photograph and of the painting is computed in each step, as in
Keras's own example, https://keras.io/examples/generative/neural_style_transfer/, so that a step
takes three forward passes, and one backward: twice the work of a step that has this from before.
"""

from dataclasses import replace

from bench.core.layers import Layer
from bench.core.optimizers import Adam
from bench.core.style import (
    Canvas,
    FeatureConv,
    GramDistances,
    StyleDistance,
    StyleLoss,
    TrainedPicture,
    WholePixels,
)
from bench.core.task import Budget, Task, Update

# The mean and the deviation of ImageNet's pixels, by which VGG's users normalize.
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
# The layer of which the content is compared, beyond which the photograph is not followed.
CONTENT = "conv4_2"
WEIGHT = 2**-4
# The blocks of VGG-19 between which it pools, up to conv5_1: convolutions, and channels of each.
BLOCKS = ((2, 64), (2, 128), (4, 256), (4, 512), (1, 512))


def pictures(side: int) -> dict[str, WholePixels]:
    """Both pictures, or the middle of each."""
    size = (3, side, side)
    return {
        name: WholePixels(array=name, size=size, mean=MEAN, std=STD)
        for name in ("content", "style")
    }


def layers(side: int) -> tuple[Layer, ...]:
    """VGG-19 up to conv5_1, with average pooling between the blocks, and the Gram matrices."""
    canvas = Canvas(name="canvas", size=(3, side, side))
    convs, maps = [], []
    inputs = 3
    for block, (count, outputs) in enumerate(BLOCKS, 1):
        for number in range(1, count + 1):
            name = f"conv{block}_{number}"
            conv = FeatureConv(
                name=name,
                inputs=inputs,
                outputs=outputs,
                kernel=3,
                output=(side, side),
                rectified=True,
                given=2 if name <= CONTENT else 1,
            )
            convs.append(conv)
            inputs = outputs
        maps.append((outputs, side**2))
        side //= 2
    return (canvas, *convs, GramDistances(name="style", maps=tuple(maps)))


def torchvision_names() -> dict[str, str]:
    """The names of parameters in torchvision's VGG-19, which numbers rectifiers and pooling too."""
    names, place = {}, 0
    for block, (count, _) in enumerate(BLOCKS, 1):
        for number in range(1, count + 1):
            for part in ("weight", "bias"):
                names[f"conv{block}_{number}.{part}"] = f"features.{place}.{part}"
            place += 2
        place += 1
    return names


SMALL = Task(
    name="style-transfer",
    title="Style transfer through VGG-19, a picture a step",
    dataset="art",
    network="style",
    fields=pictures(32),
    layers=layers(32),
    updates=(
        Update(
            loss=StyleLoss(weight=WEIGHT),
            optimizer=Adam(learning_rate=0.02),
            layers=("canvas",),
        ),
    ),
    outputs=("content", "style", "canvas"),
    metric=StyleDistance(weight=WEIGHT, target=0.1),
    batch=1,
    heavy=True,
    published=torchvision_names(),
    sample=TrainedPicture(mean=MEAN, std=STD),
    presets={
        "quick": Budget(epochs=1),
        "standard": Budget(epochs=4),
        "full": Budget(epochs=12),
    },
)

TASK = replace(SMALL, fields=pictures(128), layers=layers(128), proved_as=SMALL)
