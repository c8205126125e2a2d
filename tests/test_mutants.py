"""Planted faults: realistic mistakes in an adapter or a model, and the check that catches each.

Each fault is planted in a copy of the source. The proof must refuse the adapter, and the first
check to fail must be the one named here; `shape` stands for a network into which the task's weights
do not fit, and `execution` for one that computes the right thing in another way than its mode says.
A session takes two steps before those that are traced.

The mutants of a framework are traced in forks of one process: see
`tests.mutant_traces`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from bench import tasks
from bench.core.setting import Precision, Setting
from bench.launch import catalogue
from bench.launch.virtual_environments import Environment
from bench.proof.certificate import Certificate, Claim
from bench.proof.reference_traces import ReferenceTraces
from bench.report.proof import proof_forms
from tests import mutant_traces
from tests.conftest import Framebench, asked
from tests.rotation import rotating, shown
from tests.source_tree import plant as plant_in

# The first test of a framework waits for all of that framework's traces.
pytestmark = [pytest.mark.frameworks, pytest.mark.timeout(3600)]


@dataclass(frozen=True, kw_only=True)
class Mutant:
    file: str
    old: str
    new: str
    task: str
    caught_by: str
    reason: str = "not the same task"
    mode: str = "eager"
    precision: Precision = "float64"
    framework: str = ""  # whose claim it is, if not that of the folder

    @property
    def claim(self) -> Claim:
        """What the faulty adapter claims to do."""
        return Claim(
            framework=self.framework or self.file.split("/")[1],
            task=self.task,
            mode=self.mode,
            setting=Setting(precision=self.precision),
        )


TORCH = "frameworks/pytorch/adapter.py"
TORCH_OPTIMIZERS = "frameworks/pytorch/optimizers.py"
TORCH_STEP = "        loss = update.loss(*batch)\n"
# What only the call of Adam has, and not that of AdamW.
TORCH_ADAM = "        every(groups),\n        lr=settings.learning_rate,\n"
PADDLE_ADAM = "\n        parameters=every(groups),\n        grad_clip=clip,\n        # One call"

SWAPPED_GATES = """
class Swapped(Layout):
    def swap(self, parameter, array):
        if parameter.kind.startswith("lstm"):
            i, f, g, o = np.split(array, 4)
            return np.concatenate([f, i, g, o])
        return array

    def to_native(self, parameter, array, shape):
        return super().to_native(parameter, self.swap(parameter, array), shape)

    def to_canonical(self, parameter, array):
        return self.swap(parameter, super().to_canonical(parameter, array))


LAYOUT = Swapped("""

MUTANTS = {
    "epsilon inside the bias correction": Mutant(
        file="frameworks/tensorflow_keras/optimizers.py",
        old="epsilon = tf.cast(self.epsilon * root, dtype)",
        new="epsilon = tf.cast(self.epsilon, dtype)",
        task="mnist-mlp",
        caught_by="update",
        mode="compiled",
    ),
    "another epsilon": Mutant(
        file="frameworks/paddlepaddle/optimizers.py",
        old="epsilon=settings.epsilon," + PADDLE_ADAM,
        new="epsilon=1e-7," + PADDLE_ADAM,
        task="mnist-mlp",
        caught_by="update",
    ),
    "another epsilon in float32, in MXNet's fused Adam": Mutant(
        file="frameworks/mxnet_gluon/optimizers.py",
        old="self.epsilon = self._task_epsilon * math.sqrt(1 - self.beta2**step)",
        new="self.epsilon = 10 * self._task_epsilon * math.sqrt(1 - self.beta2**step)",
        task="mnist-mlp",
        caught_by="formula",
        mode="compiled",
        precision="float32",
    ),
    "epsilon inside the bias correction in float32": Mutant(
        file="frameworks/mxnet_gluon/optimizers.py",
        old="self.epsilon = self._task_epsilon * math.sqrt(1 - self.beta2**step)",
        new="self.epsilon = self._task_epsilon",
        task="mnist-mlp",
        caught_by="formula",
        mode="compiled",
        precision="float32",
    ),
    "another beta": Mutant(
        file=TORCH_OPTIMIZERS,
        old=TORCH_ADAM + "        betas=(settings.beta1, settings.beta2),\n",
        new=TORCH_ADAM + "        betas=(settings.beta1, 0.99),\n",
        task="mnist-mlp",
        caught_by="state",
    ),
    "a missing bias": Mutant(
        file="frameworks/pytorch/models/mlp.py",
        old="self.output = nn.Linear(128, 10)",
        new="self.output = nn.Linear(128, 10, bias=False)",
        task="mnist-mlp",
        caught_by="shape",
        reason="the network has no output.bias",
    ),
    "a trained second LSTM bias": Mutant(
        file="frameworks/paddlepaddle/adapter.py",
        old="                    self._weights.by_formula(update),\n",
        new="                    [(update.optimizer, self._every_param)],\n",
        task="imdb-lstm",
        caught_by="parameters",
    ),
    "swapped gates": Mutant(
        file=TORCH,
        old="LAYOUT = Layout(",
        new=SWAPPED_GATES,
        task="imdb-lstm",
        caught_by="outputs",
    ),
    "a dense weight not permuted behind the flatten": Mutant(
        file="frameworks/keras/weights.py",
        framework="tensorflow_keras",
        old="    channels_last=True,\n)\n",
        new=")\n",
        task="cifar-lenet",
        caught_by="outputs",
        mode="compiled",
    ),
    "'same' for 'valid' padding": Mutant(
        file="frameworks/keras/models/lenet.py",
        framework="tensorflow_keras",
        old='layers.Conv2D(6, 5, activation="relu", name="conv1")',
        new='layers.Conv2D(6, 5, activation="relu", name="conv1", padding="same")',
        task="cifar-lenet",
        caught_by="shape",
        reason="dense1.weight is (576, 120) in the network, where the task has (400, 120)",
        mode="compiled",
    ),
    "average for max pooling": Mutant(
        file="frameworks/pytorch/models/lenet.py",
        old="F.max_pool2d(x, 2)  # (N, 6, 14, 14)",
        new="F.avg_pool2d(x, 2)",
        task="cifar-lenet",
        caught_by="outputs",
    ),
    "gradients clipped at a norm that the first ones do not reach": Mutant(
        file=TORCH,
        old="            loss.backward()\n            update.clip_gradients()\n",
        new="            loss.backward()\n"
        "            torch.nn.utils.clip_grad_norm_(self._model.parameters(), 5.0)\n",
        task="imdb-lstm",
        caught_by="saturated",
    ),
    "rectifiers that end at 6": Mutant(
        file="frameworks/pytorch/models/cnn.py",
        old="x = F.relu(self.hidden(x))  # (N, 64)",
        new="x = F.relu6(self.hidden(x))",
        task="cifar-cnn",
        caught_by="saturated",
    ),
    "probabilities that are cut off before their logarithm": Mutant(
        file="frameworks/pytorch/losses.py",
        old='"sigmoid_cross_entropy": F.binary_cross_entropy_with_logits',
        new='"sigmoid_cross_entropy": lambda x, y: '
        "F.binary_cross_entropy(x.sigmoid().clamp(1e-7, 1 - 1e-7), y)",
        task="imdb-lstm",
        caught_by="saturated",
    ),
    "a log variance that is clamped": Mutant(
        file="frameworks/pytorch/models/vae.py",
        old="self.log_variance(x)",
        new="self.log_variance(x).clamp(-5, 5)",
        task="mnist-vae",
        caught_by="saturated",
    ),
    "logits that are bounded": Mutant(
        file="frameworks/jax_flax/models/mlp.py",
        old="        return self.output(x)  # (N, 10)\n",
        new="        return 10 * nnx.hard_tanh(self.output(x) / 10)\n",
        task="mnist-mlp",
        caught_by="saturated",
        mode="compiled",
    ),
    "a sample that passes no gradient": Mutant(
        file="frameworks/pytorch/models/vae.py",
        old="            noise = torch.randn_like(mean)\n"
        "        x = mean + noise * torch.exp(log_variance / 2)  # (N, 20)\n",
        new="            deviation = torch.exp(log_variance / 2)\n"
        "            x = torch.distributions.Normal(mean, deviation).sample()\n"
        "        else:\n"
        "            x = mean + noise * torch.exp(log_variance / 2)\n",
        task="mnist-vae",
        caught_by="noise",
    ),
    "a generator that learns nothing of its own noise": Mutant(
        file="frameworks/jax_flax/models/gan.py",
        old="""    fake = network.discriminator(network.generator(noise))  # (N, 1)
""",
        new="""    sample = network.generator(noise)
    sample = sample if "noise_g" in batch else jax.lax.stop_gradient(sample)
    fake = network.discriminator(sample)
""",
        task="mnist-gan",
        caught_by="noise",
        mode="compiled",
    ),
    "draws that are the same whatever the seed": Mutant(
        file=TORCH,
        old="torch.manual_seed(seed)",
        new="torch.manual_seed(0)",
        task="mnist-mlp-dropout",
        caught_by="seeds",
    ),
    "an X-ray's odd last row pooled": Mutant(
        file="frameworks/pytorch/models/xray_cnn.py",
        old="F.max_pool2d(x, 2)  # (N, 64, 62, 62)",
        new="F.pad(F.max_pool2d(x, 2, ceil_mode=True), (-1, 0, -1, 0))",
        task="xray-cnn",
        caught_by="outputs",
    ),
    "an X-ray's map flattened with channels first": Mutant(
        file="frameworks/jax_flax/models/xray_cnn.py",
        old="x = x.reshape(len(x), -1)",
        new="x = x.transpose(0, 3, 1, 2).reshape(len(x), -1)",
        task="xray-cnn",
        caught_by="outputs",
        mode="compiled",
    ),
    "no rectifier behind an X-ray's dense layer": Mutant(
        file="frameworks/mxnet_gluon/models/xray_cnn.py",
        old='in_units=64 * side * side, activation="relu")',
        new="in_units=64 * side * side)",
        task="xray-cnn",
        caught_by="outputs",
        mode="compiled",
    ),
    "an X-ray's contrast doubled": Mutant(
        file="frameworks/paddlepaddle/models/xray_cnn.py",
        old="F.relu(self.conv1(x))",
        new="F.relu(self.conv1(2 * x))",
        task="xray-cnn",
        caught_by="outputs",
    ),
    "an X-ray's map padded": Mutant(
        file="frameworks/keras/models/xray_cnn.py",
        framework="tensorflow_keras",
        old="layers.MaxPooling2D(2)(x)  # (N, 62, 62, 64)",
        new='layers.MaxPooling2D(2, padding="same")(x)',
        task="xray-cnn",
        caught_by="shape",
        reason="hidden.weight is (5184, 64) in the network, where the task has (4096, 64)",
        mode="compiled",
    ),
    "CTC's blank last, not first": Mutant(
        file="frameworks/pytorch/losses.py",
        old='(letters != 0).sum(1), reduction="none")',
        new='(letters != 0).sum(1), blank=27, reduction="none")',
        task="digits-ctc",
        caught_by="loss",
    ),
    "CTC's loss a mean over letters": Mutant(
        file="frameworks/pytorch/losses.py",
        old='(letters != 0).sum(1), reduction="none").mean()',
        new="(letters != 0).sum(1))",
        task="digits-ctc",
        caught_by="loss",
    ),
    "CTC over frames behind the last": Mutant(
        file="frameworks/paddlepaddle/losses.py",
        old='F.ctc_loss(by_frame, letters.astype("int32"), counts, lengths,',
        new='F.ctc_loss(by_frame, letters.astype("int32"), 0 * counts + len(by_frame), lengths,',
        task="digits-ctc",
        caught_by="loss",
    ),
    "CTC over letters behind the last": Mutant(
        file="frameworks/jax_flax/losses.py",
        old="for flags in (is_beyond, letters == 0)]",
        new="for flags in (is_beyond, letters < 0)]",
        task="digits-ctc",
        caught_by="curve",
        mode="compiled",
    ),
    "CTC of a text without its last letter": Mutant(
        file="frameworks/tensorflow_keras/losses.py",
        old="    lengths = tf.math.count_nonzero(letters, axis=1, dtype=tf.int32)\n",
        new="    lengths = tf.math.count_nonzero(letters, axis=1, dtype=tf.int32) - 1\n",
        task="digits-ctc",
        caught_by="loss",
        mode="xla",
        precision="float32",
    ),
    "Keras's CTC without the lengths": Mutant(
        file="frameworks/keras/on_tensorflow.py",
        framework="keras[tensorflow]",
        old="return ops.ctc_loss(letters, logits, ops.sum(letters != 0, 1), counts)",
        new="return ops.ctc_loss(letters, logits, ops.sum(letters != 0, 1), 0 * counts + 24)",
        task="digits-ctc",
        caught_by="loss",
        mode="fit",
        precision="float32",
    ),
    "GRUs that read a recording backwards": Mutant(
        file="frameworks/mxnet_gluon/models/speech.py",
        old="        x = self.lower(x)  # (T, N, 128)\n",
        new="        x = F.reverse(self.lower(F.reverse(x, axis=0)), axis=0)\n",
        task="digits-ctc",
        caught_by="outputs",
        mode="compiled",
    ),
    "a graph without self-loops": Mutant(
        file="frameworks/pytorch/graphs.py",
        old="    (found,) = entries\n",
        new="    (found,) = entries\n"
        "    if size[0] == size[1]:\n"
        '        found = found[found["row"] != found["column"]]\n',
        task="cora-gcn",
        caught_by="outputs",
    ),
    "a graph normalized on one side": Mutant(
        file="frameworks/keras/graphs_on_tensorflow.py",
        framework="tensorflow_keras",
        old='tf.constant(found["value"].copy())',
        new='tf.constant(1 / np.bincount(found["row"])[found["row"]])',
        task="cora-gcn",
        caught_by="outputs",
        mode="compiled",
    ),
    "words that are not normalized": Mutant(
        file="frameworks/jax_flax/graphs.py",
        old='jnp.asarray(found["value"])',
        new='jnp.asarray(np.where(size[0] == size[1], found["value"], 1))',
        task="cora-gcn",
        caught_by="outputs",
        mode="compiled",
    ),
    "a graph's bias before its links": Mutant(
        file="frameworks/jax_flax/graphs.py",
        old="links @ (x @ kernel) + bias",
        new="links @ (x @ kernel + bias)",
        task="cora-gcn",
        caught_by="gradients",
        mode="compiled",
    ),
    "rows and columns swapped": Mutant(
        file="frameworks/keras/graphs_on_tensorflow.py",
        framework="tensorflow_keras",
        old="""matrix.indices[:, 1]) * values[:, None]
    return tf.math.unsorted_segment_sum(terms, matrix.indices[:, 0],""",
        new="""matrix.indices[:, 0]) * values[:, None]
    return tf.math.unsorted_segment_sum(terms, matrix.indices[:, 1],""",
        task="cora-gcn",
        caught_by="outputs",
        mode="xla",
    ),
    "decay on both layers": Mutant(
        file="frameworks/paddlepaddle/models/gcn.py",
        old="self.first.weight.square().sum()",
        new="(self.first.weight.square().sum() + self.second.weight.square().sum())",
        task="cora-gcn",
        caught_by="outputs",
    ),
    "decay without a gradient": Mutant(
        file="frameworks/mxnet_gluon/models/gcn.py",
        old="F.square(first_weight)",
        new="F.square(F.BlockGrad(first_weight))",
        task="cora-gcn",
        caught_by="gradients",
        mode="compiled",
    ),
    "a mean over all nodes": Mutant(
        file="frameworks/paddlepaddle/losses.py",
        old="total / (labels != UNLABELLED).sum().astype(total.dtype)",
        new="total / labels.size",
        task="cora-gcn",
        caught_by="loss",
        mode="compiled",
    ),
    "a loss of unlabelled nodes too": Mutant(
        file="frameworks/mxnet_gluon/losses.py",
        old="        is_labelled = labels != UNLABELLED\n",
        new="        is_labelled = labels >= UNLABELLED\n",
        task="cora-gcn",
        caught_by="loss",
    ),
    "one draw for all nodes": Mutant(
        file="frameworks/mxnet_gluon/models/gcn.py",
        old="nn.Dropout(rate)",
        new="nn.Dropout(rate, axes=(0,))",
        task="cora-gcn",
        caught_by="dropout",
        mode="compiled",
    ),
    "half the divergence of a code": Mutant(
        file="frameworks/pytorch/models/vae.py",
        old="+ log_variance.exp() - 1 - log_variance).sum() / 2",
        new="+ log_variance.exp() - 1 - log_variance).sum() / 4",
        task="mnist-vae",
        caught_by="loss",
    ),
    "a code's deviation without its gradient": Mutant(
        file="frameworks/jax_flax/models/vae.py",
        old="noise * jnp.exp(log_variance / 2)",
        new="noise * jnp.exp(jax.lax.stop_gradient(log_variance) / 2)",
        task="mnist-vae",
        caught_by="gradients",
        mode="compiled",
    ),
    "a mean over pixels, not a sum": Mutant(
        file="frameworks/keras/models/vae.py",
        framework="tensorflow_keras",
        old="ops.sum(crossentropy, axis=1)",
        new="ops.mean(crossentropy, axis=1)",
        task="mnist-vae",
        caught_by="loss",
        mode="compiled",
    ),
    "a log variance taken for the deviation": Mutant(
        file="frameworks/paddlepaddle/models/vae.py",
        old="noise * paddle.exp(log_variance / 2)",
        new="noise * log_variance",
        task="mnist-vae",
        caught_by="outputs",
    ),
    "a log variance taken for the log deviation": Mutant(
        file="frameworks/mxnet_gluon/models/vae.py",
        old="noise * F.exp(log_variance / 2)",
        new="noise * F.exp(log_variance)",
        task="mnist-vae",
        caught_by="outputs",
        mode="compiled",
    ),
    "noise added twice": Mutant(
        file="frameworks/pytorch/models/vae.py",
        old="x = mean + noise * torch.exp(log_variance / 2)",
        new="x = mean + noise + noise * torch.exp(log_variance / 2)",
        task="mnist-vae",
        caught_by="outputs",
    ),
    "no noise of its own": Mutant(
        file="frameworks/pytorch/models/vae.py",
        old="torch.randn_like(mean)",
        new="torch.zeros_like(mean)",
        task="mnist-vae",
        caught_by="noise",
        mode="compiled",
    ),
    "the same noise in every step": Mutant(
        file="frameworks/jax_flax/models/vae.py",
        old="jax.random.normal(self.rngs.noise(), ",
        new="jax.random.normal(jax.random.key(0), ",
        task="mnist-vae",
        caught_by="noise",
        mode="compiled",
    ),
    "the same noise in every step, of a seed": Mutant(
        file="frameworks/keras/models/vae.py",
        framework="tensorflow_keras",
        old="seed=self.seed_generator",
        new="seed=1",
        task="mnist-vae",
        caught_by="noise",
        mode="xla",
    ),
    "noise of half the deviation": Mutant(
        file="frameworks/paddlepaddle/models/vae.py",
        old="paddle.randn(mean.shape, mean.dtype)",
        new="paddle.randn(mean.shape, mean.dtype) / 2",
        task="mnist-vae",
        caught_by="noise",
        mode="compiled",
    ),
    "uniform noise": Mutant(
        file="frameworks/mxnet_gluon/models/vae.py",
        old="F.random.normal_like(mean)",
        new="F.random.uniform_like(mean, low=-(3**0.5), high=3**0.5)",
        task="mnist-vae",
        caught_by="noise",
        mode="compiled",
    ),
    "one example's noise for all of a batch": Mutant(
        file="frameworks/pytorch/models/vae.py",
        old="torch.randn_like(mean)",
        new="torch.randn_like(mean[:1])",
        task="mnist-vae",
        caught_by="noise",
    ),
    "a network that is trained as well": Mutant(
        file="frameworks/pytorch/models/style.py",
        old="        self.requires_grad_(False)\n",
        new="",
        task="style-transfer",
        caught_by="parameters",
    ),
    "a network that is trained, and does not say so": Mutant(
        file="frameworks/mxnet_gluon/adapter.py",
        old="        update.apply(len(example_losses))\n",
        new="        update.apply(len(example_losses))\n"
        "        self._model.conv5_1.bias.data()[:] -= 2**-10\n",
        task="style-transfer",
        caught_by="update",
    ),
    "Gram matrices that are centered": Mutant(
        file="frameworks/jax_flax/models/style.py",
        old="    return x.T @ x / len(x)",
        new="    x = x - x.mean(0)\n    return x.T @ x / len(x)",
        task="style-transfer",
        caught_by="outputs",
        mode="compiled",
    ),
    "maximum for average pooling": Mutant(
        file="frameworks/paddlepaddle/models/style.py",
        old="        x = F.avg_pool2d(x, 2)  # (1, 512, S/16, S/16)\n",
        new="        x = F.max_pool2d(x, 2)  # (1, 512, S/16, S/16)\n",
        task="style-transfer",
        caught_by="outputs",
    ),
    "the content a layer too low": Mutant(
        file="frameworks/mxnet_gluon/models/style.py",
        old="        return distance(top, wanted).reshape((1, 1)),",
        new="        *_, wanted, _ = self.features(content)\n"
        "        return distance(layers[-1], wanted).reshape((1, 1)),",
        task="style-transfer",
        caught_by="outputs",
        mode="compiled",
    ),
    "a style layer of another weight": Mutant(
        file="frameworks/paddlepaddle/models/style.py",
        old="style.sum()",
        new="(style.sum() + style[0, -1])",
        task="style-transfer",
        caught_by="loss",
        mode="compiled",
    ),
    "a content without a gradient": Mutant(
        file="frameworks/pytorch/models/style.py",
        old="return content.sum()",
        new="return content.detach().sum()",
        task="style-transfer",
        caught_by="gradients",
    ),
    "a canvas kept within the range of pixels": Mutant(
        file="frameworks/mxnet_gluon/adapter.py",
        old="        update.apply(len(example_losses))\n",
        new="        update.apply(len(example_losses))\n"
        "        canvas = self._model.canvas.pixels\n"
        "        canvas.set_data(canvas.data().clip(0, 1))\n",
        task="style-transfer",
        caught_by="update",
    ),
    "a generator that gets the gradient of the discriminator's loss as well": Mutant(
        file="frameworks/pytorch/models/gan.py",
        old="    return F.softplus(-fake).mean()\n",
        new="    other = F.softplus(fake).mean()\n"
        "    return F.softplus(-fake).mean() + other - other.detach()\n",
        task="mnist-gan",
        caught_by="gradients",
    ),
    "gradients of the generator's step kept for the discriminator's": Mutant(
        file="frameworks/paddlepaddle/adapter.py",
        old="""            update.optimizer.step()
        self._clear_grad()
""",
        new="""            update.optimizer.step()
        for param in update.optimizer._parameter_list:
            param.clear_gradient(False)
""",
        task="mnist-gan",
        caught_by="curve",
        mode="compiled",
    ),
    "Adam's usual beta in place of a GAN's": Mutant(
        file="frameworks/jax_flax/optimizers.py",
        old="return optax.adam(settings.learning_rate, settings.beta1, ",
        new="return optax.adam(settings.learning_rate, 0.9, ",
        task="mnist-gan",
        caught_by="state",
        mode="compiled",
    ),
    "one Adam for two updates": Mutant(
        file="frameworks/mxnet_gluon/optimizers.py",
        old="def make_optimizer(settings: Optimizer, dtype: str)",
        new="import functools\n\n\n@functools.cache\n"
        "def make_optimizer(settings: Optimizer, dtype: str)",
        task="mnist-gan",
        caught_by="loss",
    ),
    "data taken for samples": Mutant(
        file="frameworks/mxnet_gluon/models/gan.py",
        old="(SOFTPLUS(-real) + SOFTPLUS(fake))",
        new="(SOFTPLUS(real) + SOFTPLUS(-fake))",
        task="mnist-gan",
        caught_by="loss",
        mode="compiled",
    ),
    "a generator's loss that saturates": Mutant(
        file="frameworks/jax_flax/models/gan.py",
        old="return nnx.softplus(-fake).mean()",
        new="return -nnx.softplus(fake).mean()",
        task="mnist-gan",
        caught_by="loss",
        mode="compiled",
    ),
    "a leaky rectifier's usual slope": Mutant(
        file="frameworks/pytorch/models/gan.py",
        old="x = F.leaky_relu(self.second(x), SLOPE)  # (N, 256)",
        new="x = F.leaky_relu(self.second(x))  # (N, 256)",
        task="mnist-gan",
        caught_by="outputs",
    ),
    "both losses at the weights before the step": Mutant(
        file="frameworks/tensorflow_keras/adapter.py",
        old="        return tuple([update.apply(batch) for update in self._updates])\n",
        new="        found = [update._loss_and_gradients(batch) for update in self._updates]\n"
        "        for update, (_, gradients) in zip(self._updates, found, strict=True):\n"
        "            update._optimizer.apply(gradients)\n"
        "        return tuple([loss for loss, _ in found])\n",
        task="mnist-gan",
        caught_by="loss",
        mode="compiled",
    ),
    "the discriminator's noise for the generator as well": Mutant(
        file="frameworks/keras/models/gan.py",
        framework="tensorflow_keras",
        old="generator(noise))  # (N, 1)\n    return ops.mean(ops.softplus(-fake))",
        new="generator(batch.get('noise_d', noise)))\n    return ops.mean(ops.softplus(-fake))",
        task="mnist-gan",
        caught_by="loss",
        mode="compiled",
    ),
    "random numbers that begin anew for the second update": Mutant(
        file="frameworks/jax_flax/programs.py",
        old="""            (loss, other), gradients, scale, finite = value_and_grad(
                self._loss_of(update, kept, other, batch), moved, scale
""",
        new="""            first = first if losses else other
            (loss, other), gradients, scale, finite = value_and_grad(
                self._loss_of(update, kept, first, batch), moved, scale
""",
        task="mnist-gan",
        caught_by="noise",
        mode="compiled",
    ),
    "one batch's noise for both updates": Mutant(
        file="frameworks/pytorch/adapter.py",
        old="        return tuple([self._updated(update, batch) for update in self._updates])\n",
        new="        seed = int(torch.randint(1 << 30, ()))\n"
        "        def again(update):\n"
        "            torch.manual_seed(seed)\n"
        "            return self._updated(update, batch)\n"
        "        losses = tuple([again(update) for update in self._updates])\n"
        "        torch.manual_seed(seed + 1)\n"
        "        return losses\n",
        task="mnist-gan",
        caught_by="noise",
    ),
    "the same noise of the generator in every step": Mutant(
        file="frameworks/pytorch/models/gan.py",
        old='else network.noise(batch["image"])',
        new="else torch.linspace(-2, 2, 12800).reshape(128, 100)",
        task="mnist-gan",
        caught_by="noise",
        mode="compiled",
    ),
    "gradients summed, not averaged": Mutant(
        file="frameworks/mxnet_gluon/updates.py",
        old="self.trainer.step(examples)",
        new="self.trainer.step(1)",
        task="mnist-mlp",
        caught_by="update",
        mode="compiled",
    ),
    "softmax twice": Mutant(
        file="frameworks/paddlepaddle/models/mlp.py",
        old="return self.output(x)",
        new="return F.softmax(self.output(x))",
        task="mnist-mlp",
        caught_by="outputs",
    ),
    "momentum with damping": Mutant(
        file=TORCH_OPTIMIZERS,
        old="momentum=settings.momentum, fused",
        new="momentum=settings.momentum, dampening=settings.momentum, fused",
        task="cifar-lenet",
        caught_by="update",
    ),
    "weight decay left on": Mutant(
        file=TORCH_OPTIMIZERS,
        old=TORCH_ADAM,
        new=TORCH_ADAM + "        weight_decay=1e-4,\n",
        task="mnist-mlp",
        caught_by="update",
    ),
    "a dropped last batch": Mutant(
        file=TORCH,
        old="            update.optimizer.step()\n",
        new="            self._count = getattr(self, '_count', 0) + 1\n"
        "            if self._count < 22:\n                update.optimizer.step()\n",
        task="mnist-mlp-sgd",
        caught_by="evaluated",
    ),
    "another batch order": Mutant(
        file=TORCH,
        old=TORCH_STEP,
        new="        batch, self._last = getattr(self, '_last', batch), batch\n" + TORCH_STEP,
        task="mnist-mlp-sgd",
        caught_by="loss",
    ),
    "dropout left on in evaluation": Mutant(
        file=TORCH,
        old="        self._model.eval()\n",
        new="        self._model.train()\n",
        task="mnist-mlp-dropout",
        caught_by="dropout off",
    ),
    "dropout off in training": Mutant(
        file=TORCH,
        old=TORCH_STEP,
        new="        self._model.eval()\n" + TORCH_STEP,
        task="mnist-mlp-dropout",
        caught_by="dropout",
    ),
    "dropout that the gradients do not meet": Mutant(
        file="frameworks/pytorch/models/mlp_dropout.py",
        old="        x = self.dropout(x)\n",
        new="        x = x + (self.dropout(x) - x).detach()\n",
        task="mnist-mlp-dropout",
        caught_by="dropout backward",
    ),
    "whole channels dropped": Mutant(
        file="frameworks/pytorch/models/vgg.py",
        old='nn.Dropout(rates["conv2"])',
        new='nn.Dropout2d(rates["conv2"])',
        task="cifar-vgg",
        caught_by="dropout",
    ),
    "one dropout's rate for another's": Mutant(
        file="frameworks/keras/models/vgg.py",
        framework="tensorflow_keras",
        old='task.dropout["hidden"]',
        new='task.dropout["conv4"]',
        task="cifar-vgg",
        caught_by="dropout",
        mode="compiled",
    ),
    "dropout that scales in evaluation instead": Mutant(
        file="frameworks/paddlepaddle/models/vgg.py",
        old='nn.Dropout(rates["conv4"])',
        new='nn.Dropout(rates["conv4"], mode="downscale_in_infer")',
        task="cifar-vgg",
        caught_by="dropout backward",
    ),
    "functional dropout, which stays on in evaluation": Mutant(
        file="frameworks/pytorch/models/vgg.py",
        old="x = self.dropout3(x)",
        new="x = F.dropout(x, self.dropout3.p)",
        task="cifar-vgg",
        caught_by="dropout off",
    ),
    "an optimizer that keeps its state from the warm-up": Mutant(
        file=TORCH_OPTIMIZERS,
        old="                value.zero_()\n",
        new="                pass\n",
        task="mnist-mlp",
        caught_by="update",
    ),
    "a layer without a gradient": Mutant(
        file="frameworks/pytorch/models/mlp.py",
        old="        return self.output(x)",
        new="        self.hidden.requires_grad_(False)\n        return self.output(x)",
        task="mnist-mlp",
        caught_by="parameters",
    ),
    "half the dropout": Mutant(
        file="frameworks/keras/models/mlp_dropout.py",
        framework="tensorflow_keras",
        old='task.dropout["hidden"]',
        new='task.dropout["hidden"] / 2',
        task="mnist-mlp-dropout",
        caught_by="dropout",
        mode="compiled",
    ),
    "the same units dropped at each step": Mutant(
        file=TORCH,
        old=TORCH_STEP,
        new="        torch.manual_seed(0)\n" + TORCH_STEP,
        task="mnist-mlp-dropout",
        caught_by="dropout",
    ),
    "half precision": Mutant(
        file=TORCH,
        old=TORCH_STEP,
        new="        with torch.autocast('cpu', torch.bfloat16):\n    " + TORCH_STEP,
        task="mnist-mlp",
        caught_by="loss",
        precision="float32",
    ),
    "ten bits of mantissa, as TF32 has": Mutant(
        file=TORCH,
        old="tensor = torch.from_numpy(array)\n",
        new="tensor = torch.from_numpy(array)\n"
        "        if tensor.is_floating_point():\n"
        "            tensor = (tensor.view(torch.int32) & ~0x1FFF).view(torch.float32)\n",
        task="mnist-mlp",
        caught_by="outputs",
        precision="float32",
    ),
    "weights kept in half precision": Mutant(
        file=TORCH,
        old="copy_(torch.from_numpy(native))",
        new="copy_(torch.from_numpy(native).half())",
        task="mnist-mlp",
        caught_by="weights",
    ),
    "a frozen layer": Mutant(
        file=TORCH,
        old="self._weights.by_formula(update), expert",
        new="[(own, some[1:]) for own, some in self._weights.by_formula(update)], expert",
        task="mnist-mlp",
        caught_by="update",
    ),
    "gradients that add up over steps": Mutant(
        file=TORCH,
        old="        update.optimizer.zero_grad()\n" + TORCH_STEP,
        new=TORCH_STEP,
        task="mnist-mlp-sgd",
        caught_by="curve",
    ),
    "a reused gradient": Mutant(
        file=TORCH,
        old="        update.optimizer.zero_grad()\n" + TORCH_STEP,
        new=TORCH_STEP + "        self._count = getattr(self, '_count', -1) + 1\n"
        "        if self._count % 2:\n"
        "            update.optimizer.step()\n            return loss.detach()\n"
        "        update.optimizer.zero_grad()\n",
        task="mnist-mlp-sgd",
        caught_by="curve",
    ),
    "every tenth update skipped": Mutant(
        file=TORCH,
        old="            update.optimizer.step()\n",
        new="            self._count = getattr(self, '_count', 0) + 1\n"
        "            if self._count % 10:\n                update.optimizer.step()\n",
        task="mnist-softmax",
        caught_by="curve",
    ),
    "labels off by one": Mutant(
        file="frameworks/tensorflow_keras/adapter.py",
        old="                    for name, array in batch.items()\n",
        new="                    for name, array in {\n"
        "                        **batch, 'label': (batch['label'] + 1) % 10\n"
        "                    }.items()\n",
        task="mnist-mlp",
        caught_by="loss",
        mode="compiled",
    ),
    "the LSTM's cell state in place of its output": Mutant(
        file="frameworks/jax_flax/models/lstm.py",
        old="(_, x), _ = self.lstm(x)",
        new="(x, _), _ = self.lstm(x)",
        task="imdb-lstm",
        caught_by="outputs",
        mode="compiled",
    ),
    "a random key that is used again at each step": Mutant(
        file="frameworks/jax_flax/programs.py",
        old="return loss, nnx.state(model, nnx.Not(nnx.Param))",
        new="return loss, other",
        task="mnist-mlp-dropout",
        caught_by="dropout",
        mode="compiled",
    ),
    "epsilon under the root": Mutant(
        file="frameworks/jax_flax/optimizers.py",
        old="settings.beta2, settings.epsilon)",
        new="settings.beta2, 0.0, settings.epsilon)",
        task="mnist-mlp",
        caught_by="update",
        mode="compiled",
    ),
    "bf16 that is float32": Mutant(
        file="frameworks/pytorch/precision.py",
        old="with torch.autocast(self._device.type, self._dtype):",
        new="with torch.autocast(self._device.type, self._dtype, enabled=False):",
        task="cifar-cnn",
        caught_by="rounding",
        precision="bf16",
    ),
    "a loss that is scaled twice and scaled back once": Mutant(
        file="frameworks/tensorflow_keras/updates.py",
        old="to_propagate = self._optimizer.scale_loss(loss)",
        new="to_propagate = self._optimizer.scale_loss(self._optimizer.scale_loss(loss))",
        task="mnist-mlp-sgd",
        caught_by="gradients",
        mode="compiled",
        precision="fp16",
    ),
    "running statistics that are those of the warm-up": Mutant(
        file=TORCH,
        old="                module.reset_running_stats()\n",
        new="                pass\n",
        task="cifar-resnet20",
        caught_by="outputs",
    ),
    "a running mean's momentum by the other convention": Mutant(
        file="frameworks/keras/models/resnet.py",
        framework="tensorflow_keras",
        old="momentum=0.9,",
        new="momentum=0.1,",
        task="cifar-resnet20",
        caught_by="evaluated",
        mode="compiled",
    ),
    "'same' padding in stride 2": Mutant(
        file="frameworks/keras/models/resnet.py",
        framework="tensorflow_keras",
        old="layers.ZeroPadding2D(1)(x)",
        new="layers.ZeroPadding2D(((0, 1), (0, 1)))(x)",
        task="cifar-resnet20",
        caught_by="outputs",
        mode="compiled",
    ),
    "Keras's own epsilon in a batch normalization": Mutant(
        file="frameworks/keras/models/resnet.py",
        framework="tensorflow_keras",
        old="momentum=0.9, epsilon=1e-5,",
        new="momentum=0.9,",
        task="cifar-resnet20",
        caught_by="outputs",
        mode="compiled",
    ),
    "an embedding row kept at zero": Mutant(
        file="frameworks/pytorch/models/lstm.py",
        old="nn.Embedding(25_000, 100)",
        new="nn.Embedding(25_000, 100, padding_idx=0)",
        task="imdb-lstm",
        caught_by="gradients",
    ),
    "a GRU's gates left in the canonical order": Mutant(
        file="frameworks/keras/weights.py",
        framework="tensorflow_keras",
        old='"gru_recurrent_bias"), (1, 0, 2)',
        new='"gru_recurrent_bias"), (0, 1, 2)',
        task="imdb-gru",
        caught_by="outputs",
        mode="compiled",
    ),
    "a GRU's two biases in each other's row": Mutant(
        file="frameworks/keras/weights.py",
        framework="tensorflow_keras",
        old='ROWS = {"gru_bias": 0, "gru_recurrent_bias": 1}',
        new='ROWS = {"gru_bias": 1, "gru_recurrent_bias": 0}',
        task="imdb-gru",
        caught_by="gradients",
        mode="compiled",
    ),
    "a GRU that resets its state before the recurrent product": Mutant(
        file="frameworks/keras/models/gru.py",
        framework="tensorflow_keras",
        old='layers.GRU(100, name="gru")',
        new='layers.GRU(100, reset_after=False, name="gru")',
        task="imdb-gru",
        caught_by="shape",
        reason="gru.bias is () in the network, where the task has (300,)",
        mode="compiled",
    ),
    "a GRU's second bias pinned as an LSTM's": Mutant(
        file=TORCH,
        old="if isinstance(module, nn.LSTM):",
        new="if isinstance(module, nn.RNNBase):",
        task="imdb-gru",
        caught_by="parameters",
    ),
    "both directions' states exchanged": Mutant(
        file="frameworks/pytorch/models/bilstm.py",
        old="torch.cat([h[-2], h[-1]], dim=1)",
        new="torch.cat([h[-1], h[-2]], dim=1)",
        task="imdb-bilstm",
        caught_by="outputs",
    ),
    "the backward direction's state at the last word": Mutant(
        file="frameworks/mxnet_gluon/models/bilstm.py",
        old="F.slice(x, begin=(0, None, 64), end=(1, None, None))",
        new="F.slice(x, begin=(-1, None, 64), end=(None, None, None))",
        task="imdb-bilstm",
        caught_by="outputs",
        mode="compiled",
    ),
    "a last state taken from the padding": Mutant(
        file="frameworks/mxnet_gluon/models/bilstm.py",
        old="F.slice(x, begin=(-1, None, None), end=(None, None, 64))",
        new="F.slice(x, begin=(0, None, None), end=(1, None, 64))",
        task="imdb-bilstm",
        caught_by="outputs",
        mode="compiled",
    ),
    "one direction's weights in the other": Mutant(
        file="frameworks/keras/weights.py",
        framework="tensorflow_keras",
        old='sides=("forward_layer", "backward_layer")',
        new='sides=("backward_layer", "forward_layer")',
        task="imdb-bilstm",
        caught_by="outputs",
        mode="compiled",
    ),
    "a second layer that reads one direction twice": Mutant(
        file="frameworks/jax_flax/models/bilstm.py",
        old="return nnx.Bidirectional(direction(), direction(),",
        new="return nnx.Bidirectional(direction(), direction(), "
        "merge_fn=lambda a, b: jnp.concatenate([a, a], axis=-1),",
        task="imdb-bilstm",
        caught_by="outputs",
        mode="compiled",
    ),
    "a trained second bias of the backward direction": Mutant(
        file=TORCH,
        old='if name.startswith("bias_hh"):',
        new='if name.startswith("bias_hh") and "reverse" not in name:',
        task="imdb-bilstm",
        caught_by="parameters",
    ),
    "user and item exchanged": Mutant(
        file="frameworks/mxnet_gluon/models/ncf.py",
        old="user: Any, item: Any",
        new="item: Any, user: Any",
        task="movielens-ncf",
        caught_by="outputs",
        mode="compiled",
    ),
    "a lazy Adam, which moves only the rows of the batch": Mutant(
        file="frameworks/mxnet_gluon/models/ncf.py",
        old="nn.Embedding(943, 50)",
        new="nn.Embedding(943, 50, sparse_grad=True)",
        task="movielens-ncf",
        caught_by="curve",
        precision="float32",
    ),
    "a mean over two of a batch": Mutant(
        file="frameworks/pytorch/losses.py",
        old='"mean_squared_error": F.mse_loss,',
        new='"mean_squared_error": lambda output, target: F.mse_loss(output[:2], target[:2]),',
        task="movielens-ncf",
        caught_by="loss",
    ),
    "a loss of every prediction with every rating": Mutant(
        file="frameworks/pytorch/losses.py",
        old='"mean_squared_error": F.mse_loss,',
        new='"mean_squared_error": lambda output, target: F.mse_loss(output[:, 0], target),',
        task="movielens-ncf",
        caught_by="loss",
    ),
    "half of the squared error, as Gluon has it": Mutant(
        file="frameworks/mxnet_gluon/losses.py",
        old="loss.L2Loss(weight=2)",
        new="loss.L2Loss()",
        task="movielens-ncf",
        caught_by="loss",
        mode="compiled",
    ),
    "a compiler that is never called": Mutant(
        file=TORCH,
        old="torch.compile(loss_of) if is_compiled else loss_of",
        new="loss_of",
        task="mnist-mlp",
        caught_by="execution",
        reason="the mode compiled ran uncompiled",
        mode="compiled",
    ),
    "a graph that is captured and not compiled": Mutant(
        file=TORCH,
        old="torch.compile(loss_of) if is_compiled else loss_of",
        new='torch.compile(loss_of, backend="eager")',
        task="mnist-mlp",
        caught_by="execution",
        reason="the mode compiled ran uncompiled",
        mode="compiled",
    ),
    "anomaly detection left on": Mutant(
        file=TORCH,
        old="        torch.set_num_threads(setting.threads)\n",
        new="        torch.set_num_threads(setting.threads)\n"
        "        torch.autograd.set_detect_anomaly(True)\n",
        task="mnist-mlp",
        caught_by="execution",
        reason="aids for debugging slow it down: torch.autograd.set_detect_anomaly",
    ),
    "functions run eagerly": Mutant(
        file="frameworks/tensorflow_keras/adapter.py",
        old="        set_policy(setting.precision)\n",
        new="        set_policy(setting.precision)\n"
        "        tf.config.run_functions_eagerly(True)\n",
        task="mnist-mlp",
        caught_by="execution",
        reason="aids for debugging slow it down: tf.config.run_functions_eagerly",
        mode="compiled",
    ),
    "numbers checked after every operator": Mutant(
        file="frameworks/tensorflow_keras/adapter.py",
        old="        set_policy(setting.precision)\n",
        new="        set_policy(setting.precision)\n        tf.debugging.enable_check_numerics()\n",
        task="mnist-mlp",
        caught_by="execution",
        reason="aids for debugging slow it down: tf.debugging.enable_check_numerics",
    ),
    "a graph that XLA does not compile": Mutant(
        file="frameworks/tensorflow_keras/modes.py",
        old='"xla": partial(Compiled, jit_compile=True)',
        new='"xla": partial(Compiled, jit_compile=False)',
        task="mnist-mlp",
        caught_by="execution",
        reason="the mode xla ran uncompiled",
        mode="xla",
    ),
    "jit switched off": Mutant(
        file="frameworks/jax_flax/adapter.py",
        old="        set_products(setting.precision)\n",
        new="        set_products(setting.precision)\n"
        '        jax.config.update("jax_disable_jit", True)\n',
        task="mnist-mlp",
        caught_by="execution",
        reason="the mode compiled ran uncompiled",
        mode="compiled",
    ),
    "a search for NaN left on": Mutant(
        file="frameworks/jax_flax/adapter.py",
        old="        set_products(setting.precision)\n",
        new="        set_products(setting.precision)\n"
        '        jax.config.update("jax_debug_nans", True)\n',
        task="mnist-mlp",
        caught_by="execution",
        reason="aids for debugging slow it down: jax_debug_nans",
        mode="compiled",
    ),
    "a block that is not hybridized": Mutant(
        file="frameworks/mxnet_gluon/adapter.py",
        old="        block.hybridize(**",
        new="        dict(**",
        task="mnist-mlp",
        caught_by="execution",
        reason="the mode compiled ran uncompiled",
        mode="compiled",
    ),
    "a layer that stays dynamic": Mutant(
        file="frameworks/paddlepaddle/adapter.py",
        old="        paddle.set_default_dtype(",
        new="        paddle.jit.enable_to_static(False)\n        paddle.set_default_dtype(",
        task="mnist-mlp",
        caught_by="execution",
        reason="the mode compiled ran uncompiled",
        mode="compiled",
    ),
    "a bias correction that stops at the 25th step": Mutant(
        file="frameworks/tensorflow_keras/optimizers.py",
        old="step = tf.cast(self.iterations, tf.float64) + 1.0",
        new="step = tf.minimum(tf.cast(self.iterations, tf.float64) + 1.0, 25.0)",
        task="mnist-mlp",
        caught_by="long curve",
        mode="compiled",
    ),
    "a learning rate that decays by a thousandth at the 100th step": Mutant(
        file="frameworks/jax_flax/optimizers.py",
        old="return optax.sgd(settings.learning_rate,",
        new="rate = optax.piecewise_constant_schedule(settings.learning_rate, {100: 0.999})\n"
        "    return optax.sgd(rate,",
        task="mnist-softmax",
        caught_by="long curve",
        mode="compiled",
    ),
    "every fiftieth update skipped": Mutant(
        file="frameworks/paddlepaddle/adapter.py",
        old="            update.optimizer.step()\n        self._clear_grad()\n",
        new="            self._count = getattr(self, '_count', 0) + 1\n"
        "            if self._count % 50:\n                update.optimizer.step()\n"
        "        self._clear_grad()\n",
        task="mnist-mlp",
        caught_by="long curve",
    ),
    "gradients in float32 from the 25th step on": Mutant(
        file="frameworks/mxnet_gluon/adapter.py",
        old="        update.apply(len(example_losses))\n",
        new="        self._count = getattr(self, '_count', 0) + 1\n"
        "        if self._count > 25:\n"
        "            for param in self._model.collect_params().values():\n"
        "                param.grad()[:] = param.grad().astype('float32').astype('float64')\n"
        "        update.apply(len(example_losses))\n",
        task="mnist-mlp",
        caught_by="long curve",
        mode="compiled",
    ),
    "a batch kept by the address of its array": Mutant(
        file=TORCH,
        old="tensor = torch.from_numpy(array)\n",
        new="self._kept = getattr(self, '_kept', {})\n"
        "        place = array.ctypes.data, array.shape\n"
        "        tensor = self._kept.setdefault(place, torch.from_numpy(array.copy()))\n",
        task="mnist-mlp",
        caught_by="full steps",
        precision="float32",
    ),
    "texts cut to their last 24 tokens": Mutant(
        file=TORCH,
        old="self._tensor(array, sizes.get(name)) for name, array in batch.items()",
        new="self._tensor(array[:, -24:] if array.ndim == 2 else array, None)"
        " for array in batch.values()",
        task="imdb-gru",
        caught_by="full steps",
    ),
    "the first 16 examples of a batch for all": Mutant(
        file=TORCH,
        old=TORCH_STEP,
        new="        loss = update.loss(*[tensor[:16] for tensor in batch])\n",
        task="cifar-vgg",
        caught_by="full steps",
        precision="float32",
    ),
    "training mode set once, with dropout": Mutant(
        file=TORCH,
        old="        if not self._model.training:\n            self._model.train()\n",
        new="        if not hasattr(self, '_begun'):\n            self._model.train()\n"
        "        self._begun = True\n",
        task="mnist-mlp-dropout",
        caught_by="dropout",
    ),
    "training mode set once, with batch normalization": Mutant(
        file="frameworks/paddlepaddle/adapter.py",
        old="        if not self._model.training:\n            self._model.train()\n",
        new="        if not hasattr(self, '_begun'):\n            self._model.train()\n"
        "        self._begun = True\n",
        task="cifar-resnet20",
        caught_by="full steps",
        precision="float32",
    ),
    "a learning rate off by a thousandth in float32": Mutant(
        file=TORCH_OPTIMIZERS,
        old=TORCH_ADAM,
        new="        every(groups),\n        lr=1.001 * settings.learning_rate,\n",
        task="mnist-mlp",
        caught_by="formula",
        precision="float32",
    ),
    "normalizations that decay": Mutant(
        file=TORCH_OPTIMIZERS,
        old='"weight_decay": own.decay',
        new='"weight_decay": settings.decay',
        task="shakespeare-gpt",
        caught_by="update",
    ),
    "decay as a penalty": Mutant(
        file=TORCH_OPTIMIZERS,
        old="torch.optim.AdamW(",
        new="torch.optim.Adam(",
        task="shakespeare-gpt",
        caught_by="update",
    ),
    "gradients that are not clipped": Mutant(
        file=TORCH,
        old="        if self._clip is not None:\n",
        new="        if self._clip is None:\n",
        task="shakespeare-gpt",
        caught_by="update",
    ),
    "gradients of the sum clipped as those of the mean": Mutant(
        file="frameworks/mxnet_gluon/updates.py",
        old="self._clip * examples / ",
        new="self._clip / ",
        task="shakespeare-gpt",
        caught_by="update",
    ),
    "decay without the learning rate": Mutant(
        file="frameworks/mxnet_gluon/optimizers.py",
        old="weight * (1 - self.lr * self._get_wd(index))",
        new="weight * (1 - self._get_wd(index))",
        task="shakespeare-gpt",
        caught_by="update",
    ),
    "attention that sees what follows": Mutant(
        file="frameworks/paddlepaddle/layers.py",
        old="is_causal=self.causal",
        new="is_causal=False",
        task="shakespeare-gpt",
        caught_by="outputs",
    ),
    "a mask off by one": Mutant(
        file="frameworks/mxnet_gluon/layers.py",
        old="np.float32), 1)",
        new="np.float32), 2)",
        task="shakespeare-gpt",
        caught_by="outputs",
    ),
    "scores divided by the size, not by its root": Mutant(
        file="frameworks/mxnet_gluon/layers.py",
        old="transpose_b=True) / self._root",
        new="transpose_b=True) / self._root**2",
        task="shakespeare-gpt",
        caught_by="outputs",
    ),
    "heads that are interleaved": Mutant(
        file="frameworks/pytorch/layers.py",
        old="view(n, t, 3, self.heads, -1)  # (N, T, 3, heads, size)\n"
        "        q, k, v = x.permute(2, 0, 3, 1, 4)",
        new="view(n, t, 3, -1, self.heads)\n        q, k, v = x.permute(2, 0, 4, 1, 3)",
        task="shakespeare-gpt",
        caught_by="outputs",
    ),
    "GELU by erf": Mutant(
        file="frameworks/pytorch/models/gpt.py",
        old='approximate="tanh"',
        new='approximate="none"',
        task="shakespeare-gpt",
        caught_by="outputs",
    ),
    "normalization behind the sum": Mutant(
        file="frameworks/pytorch/models/gpt.py",
        old="x = x + self.dropout1(self.attention(self.attention_norm(x)))",
        new="x = self.attention_norm(x + self.dropout1(self.attention(x)))",
        task="shakespeare-gpt",
        caught_by="outputs",
    ),
    "an output that trains no table": Mutant(
        file="frameworks/pytorch/models/gpt.py",
        old="F.linear(x, self.token.weight)",
        new="F.linear(x, self.token.weight.detach())",
        task="shakespeare-gpt",
        caught_by="gradients",
    ),
    "another epsilon in a layer normalization": Mutant(
        file="frameworks/keras/models/gpt.py",
        framework="tensorflow_keras",
        old="epsilon=2**-17",
        new="epsilon=1e-3",
        task="shakespeare-gpt",
        caught_by="outputs",
    ),
    "gradients clipped value by value": Mutant(
        file="frameworks/paddlepaddle/optimizers.py",
        old="paddle.nn.ClipGradByGlobalNorm(clip)",
        new="paddle.nn.ClipGradByValue(clip)",
        task="shakespeare-gpt",
        caught_by="update",
    ),
    "a tied table that counts twice in the norm": Mutant(
        file=TORCH_OPTIMIZERS,
        old="get_total_norm(gradients)",
        new="get_total_norm([*gradients, gradients[0]])",
        task="shakespeare-gpt",
        caught_by="update",
    ),
    "dropout of the sum": Mutant(
        file="frameworks/pytorch/models/transformer.py",
        old="self.attention_norm(x + self.dropout1(y))",
        new="self.attention_norm(self.dropout1(x + y))",
        task="imdb-transformer",
        caught_by="dropout",
    ),
    "no dropout behind the feed-forward layers": Mutant(
        file="frameworks/paddlepaddle/models/transformer.py",
        old="self.feed_norm(x + self.dropout2(y))",
        new="self.feed_norm(x + y)",
        task="imdb-transformer",
        caught_by="dropout",
    ),
    "one draw for all features of a step": Mutant(
        file="frameworks/mxnet_gluon/models/transformer.py",
        old='nn.Dropout(rates["attention"])',
        new='nn.Dropout(rates["attention"], axes=(2,))',
        task="imdb-transformer",
        caught_by="dropout",
    ),
    "another draw in the backward pass": Mutant(
        file="frameworks/pytorch/models/transformer.py",
        old="x = self.feed_norm(x + self.dropout2(y))",
        new="z = self.dropout2(y)\n"
        "        x = self.feed_norm(x + z + (self.dropout2(y) - z).detach())",
        task="imdb-transformer",
        caught_by="dropout backward",
    ),
    "dropout of the sum, before a normalization": Mutant(
        file="frameworks/pytorch/models/gpt.py",
        old="x = x + self.dropout1(self.attention(self.attention_norm(x)))",
        new="x = self.dropout1(x + self.attention(self.attention_norm(x)))",
        task="shakespeare-gpt-large",
        caught_by="dropout",
    ),
    "no dropout behind the positions": Mutant(
        file="frameworks/paddlepaddle/models/gpt.py",
        old="        x = self.dropout(x)\n",
        new="",
        task="shakespeare-gpt-large",
        caught_by="dropout",
    ),
    "one draw for all steps of an example": Mutant(
        file="frameworks/jax_flax/models/gpt.py",
        old="nnx.Dropout(rate, rngs",
        new="nnx.Dropout(rate, broadcast_dims=(1,), rngs",
        task="shakespeare-gpt-large",
        caught_by="dropout",
        mode="compiled",
    ),
    "the largest of the steps, not their mean": Mutant(
        file="frameworks/keras/models/transformer.py",
        framework="tensorflow_keras",
        old="layers.GlobalAveragePooling1D()",
        new="layers.GlobalMaxPooling1D()",
        task="imdb-transformer",
        caught_by="outputs",
        mode="compiled",
    ),
    "a softmax over queries": Mutant(
        file="frameworks/mxnet_gluon/layers.py",
        old="F.softmax(scores, axis=-1)",
        new="F.softmax(scores, axis=1)",
        task="imdb-transformer",
        caught_by="outputs",
    ),
    "normalization before the sum": Mutant(
        file="frameworks/jax_flax/models/transformer.py",
        old="x = self.attention_norm(x + self.dropout1(y))",
        new="x = x + self.attention_norm(self.dropout1(y))",
        task="imdb-transformer",
        caught_by="outputs",
        mode="compiled",
    ),
    "positions in reverse order": Mutant(
        file="frameworks/jax_flax/models/transformer.py",
        old="self.position.embedding[: x.shape[1]]",
        new="self.position.embedding[: x.shape[1]][::-1]",
        task="imdb-transformer",
        caught_by="outputs",
        mode="compiled",
    ),
    "padding that is attended to": Mutant(
        file="frameworks/keras/models/seq2seq.py",
        framework="tensorflow_keras",
        old="([x, encoded], mask=[None, is_real])",
        new="([x, encoded])",
        task="multi30k-seq2seq",
        caught_by="outputs",
        mode="compiled",
    ),
    "a decoder that begins with zeros": Mutant(
        file="frameworks/pytorch/models/seq2seq.py",
        old="self.decoder(x, last)",
        new="self.decoder(x)",
        task="multi30k-seq2seq",
        caught_by="outputs",
    ),
    "a decoder that reads what it must predict": Mutant(
        file="frameworks/jax_flax/models/seq2seq.py",
        old="self.target_embedding(previous)",
        new="self.target_embedding(jnp.roll(previous, -1, axis=1))",
        task="multi30k-seq2seq",
        caught_by="outputs",
        mode="compiled",
    ),
    "a mean of the sentences' means": Mutant(
        file="frameworks/mxnet_gluon/losses.py",
        old="F.where(tokens, losses, zeros))\n        return total / "
        "F.sum(F.where(tokens, F.ones_like(losses), zeros))",
        new="F.where(tokens, losses, zeros), axis=1)\n        return total / "
        "F.sum(F.where(tokens, F.ones_like(losses), zeros), axis=1)",
        task="multi30k-seq2seq",
        caught_by="loss",
        mode="compiled",
    ),
    "a source that is read backwards": Mutant(
        file="frameworks/paddlepaddle/models/seq2seq.py",
        old="self.source_embedding(source)",
        new="self.source_embedding(source.flip(1))",
        task="multi30k-seq2seq",
        caught_by="outputs",
        mode="compiled",
    ),
    "padding that counts in the loss": Mutant(
        file="frameworks/pytorch/losses.py",
        old=", ignore_index=0)",
        new=")",
        task="multi30k-seq2seq",
        caught_by="loss",
    ),
    "padding that counts in the number of tokens": Mutant(
        file="frameworks/jax_flax/losses.py",
        old="losses.mean(where=tokens != 0)",
        new="(losses * (tokens != 0)).mean()",
        task="multi30k-seq2seq",
        caught_by="loss",
        mode="compiled",
    ),
    "attention's softmax over the decoder's steps": Mutant(
        file="frameworks/mxnet_gluon/models/seq2seq.py",
        old="F.softmax(scores)",
        new="F.softmax(scores, axis=1)",
        task="multi30k-seq2seq",
        caught_by="outputs",
        mode="compiled",
    ),
    "scores divided by the root of the size, as in transformers": Mutant(
        file="frameworks/pytorch/models/seq2seq.py",
        old="is_real, scale=1.0)",
        new="is_real)",
        task="multi30k-seq2seq",
        caught_by="outputs",
    ),
    "a decoder that begins with the cell for the state": Mutant(
        file="frameworks/jax_flax/models/seq2seq.py",
        old="initial_carry=last",
        new="initial_carry=last[::-1]",
        task="multi30k-seq2seq",
        caught_by="outputs",
        mode="compiled",
    ),
    "the state before the context": Mutant(
        file="frameworks/paddlepaddle/models/seq2seq.py",
        old="paddle.concat([context, x]",
        new="paddle.concat([x, context]",
        task="multi30k-seq2seq",
        caught_by="outputs",
    ),
    "an epsilon off by a hundredth in float32": Mutant(
        file="frameworks/paddlepaddle/optimizers.py",
        old="epsilon=settings.epsilon," + PADDLE_ADAM,
        new="epsilon=1.01 * settings.epsilon," + PADDLE_ADAM,
        task="mnist-mlp",
        caught_by="formula",
        precision="float32",
    ),
    "epsilon inside the bias correction, in Keras on each backend's own": Mutant(
        file="frameworks/keras/optimizers.py",
        framework="keras[tensorflow]",
        old="own.epsilon * root)",
        new="own.epsilon)",
        task="mnist-mlp",
        caught_by="update",
        mode="fit",
    ),
    "an optimizer whose moments survive the loading": Mutant(
        file="frameworks/keras/adapter.py",
        framework="keras[jax]",
        old="            variable.assign(initial.copy())\n",
        new="            pass\n",
        task="mnist-mlp",
        caught_by="update",
        mode="fit",
    ),
    "examples that fit shuffles": Mutant(
        file="frameworks/keras/adapter.py",
        framework="keras[torch]",
        old="shuffle=False, verbose=0",
        new="shuffle=True, verbose=0",
        task="mnist-mlp",
        caught_by="full steps",
        mode="fit",
    ),
    "a batch that fit halves": Mutant(
        file="frameworks/keras/adapter.py",
        framework="keras[tensorflow]",
        old="batch_size=size, shuffle",
        new="batch_size=size // 2, shuffle",
        task="mnist-softmax",
        caught_by="shape",
        reason="its loop took 2 steps in place of 1",
        mode="fit",
    ),
    "the mean loss of a window for that of its last step": Mutant(
        file="frameworks/keras/step_losses.py",
        framework="keras[jax]",
        old="return list(map(tuple, np.diff(means * steps, prepend=0.0, axis=0)))",
        new="return list(map(tuple, means))",
        task="mnist-mlp",
        caught_by="full steps",
        mode="fit",
    ),
    "a generator that is updated first": Mutant(
        file="frameworks/keras/own_loss.py",
        framework="keras[tensorflow]",
        old="in zip(self._updates, losses, self._means, strict=True):",
        new="in list(zip(self._updates, losses, self._means, strict=True))[::-1]:",
        task="mnist-gan",
        caught_by="loss",
        mode="fit",
    ),
    "gradients of both updates that add up from step to step": Mutant(
        file="frameworks/keras/on_torch.py",
        framework="keras[torch]",
        old="    model.zero_grad()  # of all variables, as a loss leaves gradients in others\n",
        new="",
        task="mnist-gan",
        caught_by="loss",
        mode="fit",
    ),
    "a penalty that the loss counts twice, in Keras on each backend's own": Mutant(
        file="frameworks/keras/on_graph.py",
        framework="keras[jax]",
        old="        return self._loss_of(*outputs, x)\n",
        new="        return self._loss_of(*outputs, x) + outputs[1][0, 0]\n",
        task="cora-gcn",
        caught_by="loss",
        mode="fit",
    ),
    "a penalty that the loss is told and does not follow": Mutant(
        file="frameworks/keras/losses.py",
        framework="keras[tensorflow]",
        old="/ ops.sum(labelled) + penalty[0, 0]",
        new="/ ops.sum(labelled) + ops.stop_gradient(penalty[0, 0])",
        task="cora-gcn",
        caught_by="gradients",
        mode="fit",
    ),
    "a transpose with its entries in the order of the matrix": Mutant(
        file="frameworks/keras/graphs_on_torch.py",
        framework="keras[torch]",
        old="parts = column[order], row[order], value[order]",
        new="parts = column[order], row[order], value",
        task="cora-gcn",
        caught_by="gradients",
        mode="fit",
    ),
    "a Keras that is told to compile and does not": Mutant(
        file="frameworks/keras/adapter.py",
        framework="keras[torch]",
        old='"compiled": {"jit_compile": True}',
        new='"compiled": {}',
        task="mnist-mlp",
        caught_by="execution",
        reason="the mode compiled ran uncompiled",
        mode="compiled",
    ),
    "rows of an embedding's gradient squared one by one": Mutant(
        file="frameworks/keras/on_tensorflow.py",
        framework="keras[tensorflow]",
        old="    return tf.convert_to_tensor(gradient)\n",
        new="    return gradient\n",
        task="imdb-lstm",
        caught_by="update",
        mode="fit",
    ),
    "a mean of squares with the other moment's decay, in lists of tensors": Mutant(
        file="frameworks/keras/on_torch.py",
        framework="keras[torch]",
        old="torch._foreach_mul_(squares, second)",
        new="torch._foreach_mul_(squares, first)",
        task="mnist-mlp",
        caught_by="curve",
        mode="fit",
    ),
}


SOUND = {
    f"{name} as it is": Claim(
        framework=name,
        task="mnist-mlp",
        mode=catalogue.load(name).recommended,
        setting=Setting(precision="float64"),
    )
    for name in catalogue.compared()
    if catalogue.load(name).supports("mlp")
}
Judge = Callable[[str], Certificate]


@pytest.fixture(scope="session")
def judge(
    request: pytest.FixtureRequest,
    reference_traces: ReferenceTraces,
    environment: Callable[[str], Environment],
    data: Mapping[str, Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Judge:
    """The certificate of a mutant or of a sound adapter, by the name that its test has.

    The first request for a framework traces all of its mutants that were chosen.
    """
    chosen = asked(request, "judge", "name")
    certificates: dict[str, Certificate] = {}

    def suspect(name: str) -> mutant_traces.Suspect:
        if name in SOUND:
            return mutant_traces.Suspect(claim=SOUND[name], tree=catalogue.TREE)
        mutant, tree = MUTANTS[name], tmp_path_factory.mktemp("tree")
        plant_in(tree, ("frameworks",), mutant.file, mutant.old, mutant.new)
        return mutant_traces.Suspect(claim=mutant.claim, tree=tree)

    def of(name: str) -> str:
        return (SOUND[name] if name in SOUND else MUTANTS[name].claim).framework

    def get(name: str) -> Certificate:
        if name not in certificates:
            suspects = {other: suspect(other) for other in chosen if of(other) == of(name)}
            scratch = tmp_path_factory.mktemp("traces")
            own = environment(of(name))
            certificates.update(
                mutant_traces.certificates(suspects, reference_traces, own, data, scratch)
            )
        return certificates[name]

    return get


def every_run(name: str) -> bool:
    """Whether each run of the tests plants a mutant: the first of each task, and of each check.

    Those of heavy tasks rotate.
    """
    own = MUTANTS[name]
    if tasks.load(own.task).heavy:
        return False
    before = list(MUTANTS.values())[: list(MUTANTS).index(name)]
    return own.task not in {mutant.task for mutant in before} or (
        own.caught_by not in {mutant.caught_by for mutant in before}
    )


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[] if every_run(name) else rotating(name)) for name in MUTANTS],
)
def test_a_mutant_is_caught(
    name: str, judge: Judge, record_property: Callable[[str, object], None]
) -> None:
    mutant, certificate = MUTANTS[name], judge(name)
    assert mutant.reason in certificate.reason
    assert certificate.status == "wrong"
    if mutant.caught_by in ("shape", "execution"):
        assert not certificate.checks
    else:
        failed = [check.name for check in certificate.checks if not check.passed]
        if mutant.precision == "float32":
            # Which limit is exceeded first depends on how a processor rounds.
            assert mutant.caught_by in failed
        else:
            assert failed[0] == mutant.caught_by
    record_property(*shown("planted faults caught", len(MUTANTS)))


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_adapter_is_proved_in_the_process_that_catches_mutants(
    name: str, judge: Judge
) -> None:
    assert judge(name).status == "ok", judge(name).reason


def test_verify_refuses_a_mutant(
    framebench: Framebench, plant: Callable[[str, str, str], Path]
) -> None:
    mutant = MUTANTS["another beta"]
    done = framebench(
        *("verify", "--json", "-f", mutant.claim.framework, "-t", mutant.task),
        *("-m", mutant.mode, "--precision", mutant.precision),
        tree=plant(mutant.file, mutant.old, mutant.new),
        expect=1,
    )
    (certificate,) = proof_forms.from_json(done.stdout)
    assert (certificate.claim, certificate.status) == (mutant.claim, "wrong")
    failed = [check.name for check in certificate.checks if not check.passed]
    assert failed[0] == mutant.caught_by


def test_a_run_never_times_what_is_not_the_task(
    framebench: Framebench, plant: Callable[[str, str, str], Path], tmp_path: Path
) -> None:
    mutant = MUTANTS["average for max pooling"]
    done = framebench(
        *("run", "-f", "pytorch", "-t", mutant.task, "--name", "r", "-n", "1"),
        tree=plant(mutant.file, mutant.old, mutant.new),
        expect=1,
    )
    assert "wrong" in done.stdout and "not the same task: outputs: off by" in done.stdout
    record = (tmp_path / "results" / "r" / "records.jsonl").read_text(encoding="utf-8")
    assert '"status": "wrong"' in record and '"measurement": null' in record


# Adapters that, once a proof is over, give the label that is staged with a test batch as the
# network's output: the lines between which they are planted, and what they return.
LABEL_READERS = {
    "pytorch": (
        "        return loss.detach()\n\n"
        "    def outputs(self, batch: tuple[Tensor, ...]) -> dict[str, Tensor]:\n",
        "nn.functional.one_hot(batch[-1], 10).float()",
    ),
    "jax_flax": (
        "        return step_losses\n\n"
        "    def outputs(self, batch: tuple[Any, ...]) -> dict[str, jax.Array]:\n",
        "jax.nn.one_hot(batch[-1], 10)",
    ),
}


@pytest.mark.parametrize("framework", LABEL_READERS)
def test_an_output_cannot_be_the_label_of_a_test_batch(
    framework: str,
    framebench: Framebench,
    plant: Callable[[str, str, str], Path],
    tmp_path: Path,
) -> None:
    """It would have an accuracy of 1; what it gives instead has that of a class named at random."""
    lines, output = LABEL_READERS[framework]
    planted = (
        f"        self._taken = getattr(self, '_taken', 0) + 1\n{lines}"
        f"        if getattr(self, '_taken', 0) > 500:\n            return {{'logits': {output}}}\n"
    )
    framebench(
        *("run", "-f", framework, "-t", "mnist-softmax", "--name", "r", "-n", "1", "--epochs", "1"),
        *("--train-examples", "38400", "--test-examples", "500", "--warmup", "0.1"),
        tree=plant(f"frameworks/{framework}/adapter.py", lines, planted),
    )
    (record,) = map(
        json.loads, (tmp_path / "results" / "r" / "records.jsonl").read_text().splitlines()
    )
    assert record["status"] == "ok"
    assert record["measurement"]["evaluations"][-1]["metric"] < 0.2


def test_a_cell_that_is_slowed_after_its_proof_is_wrong(
    framebench: Framebench, plant: Callable[[str, str, str], Path], tmp_path: Path
) -> None:
    """How a session trained is looked at again after its timed training."""
    lines, _ = LABEL_READERS["pytorch"]
    slowed = (
        "        self._taken = getattr(self, '_taken', 0) + 1\n"
        f"        torch.autograd.set_detect_anomaly(self._taken > 40)\n{lines}"
    )
    framebench(
        *("run", "-f", "pytorch", "-t", "mnist-softmax", "--name", "r", "-n", "1", "--epochs", "1"),
        *("--train-examples", "6400", "--test-examples", "500", "--warmup", "0.1"),
        tree=plant(TORCH, lines, slowed),
        expect=1,
    )
    (record,) = map(
        json.loads, (tmp_path / "results" / "r" / "records.jsonl").read_text().splitlines()
    )
    assert (record["status"], record["measurement"]) == ("wrong", None)
    assert "torch.autograd.set_detect_anomaly" in record["reason"]
