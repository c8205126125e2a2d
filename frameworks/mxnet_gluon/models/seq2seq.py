"""Two LSTMs with attention in MXNet Gluon."""

from typing import Any

from mxnet.gluon import HybridBlock, nn, rnn

from bench.core.task import Task


class Seq2Seq(HybridBlock):
    def __init__(self) -> None:
        super().__init__()
        self.source_embedding = nn.Embedding(8_000, 128)
        self.encoder = rnn.LSTM(256, input_size=128)
        self.target_embedding = nn.Embedding(8_000, 128)
        self.decoder = rnn.LSTM(256, input_size=128)
        self.combine = nn.Dense(256, in_units=512, use_bias=False, flatten=False)
        self.output = nn.Dense(8_000, in_units=256, flatten=False)

    def hybrid_forward(self, F: Any, source: Any, previous: Any) -> Any:  # noqa: N803
        # The fused operator is time-major. Tokens are transposed, because features are larger.
        x = self.source_embedding(F.transpose(source))  # (N, S) -> (S, N, 128)
        # Given a state, the layer returns its last ones too.
        zeros = F.zeros_like(F.slice(x, begin=(0, None, 0), end=(1, None, 1)))
        zeros = F.broadcast_axis(zeros, axis=2, size=256)  # (1, N, 256)
        encoded, last = self.encoder(x, [zeros, zeros])  # (S, N, 256), the last state and cell
        x = self.target_embedding(F.transpose(previous))  # (N, T) -> (T, N, 128)
        x, _ = self.decoder(x, last)  # (T, N, 256)
        encoded = F.transpose(encoded, axes=(1, 0, 2))  # (N, S, 256)
        x = F.transpose(x, axes=(1, 0, 2))  # (N, T, 256)
        scores = F.batch_dot(x, encoded, transpose_b=True)  # (N, T, S)
        is_real = F.broadcast_like(
            F.expand_dims(source, axis=1), scores, lhs_axes=(1,), rhs_axes=(1,)
        )
        scores = F.where(is_real, scores, F.zeros_like(scores) - 1e30)
        context = F.batch_dot(F.softmax(scores), encoded)  # (N, T, 256)
        x = F.concat(context, x, dim=2)  # (N, T, 512)
        x = F.tanh(self.combine(x))  # (N, T, 256)
        return self.output(x)  # (N, T, 8000)


def build(task: Task) -> HybridBlock:
    return Seq2Seq()
