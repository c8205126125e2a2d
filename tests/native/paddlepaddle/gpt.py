"""A GPT in plain PaddlePaddle.

https://www.paddlepaddle.org.cn/documentation/docs/en/guides/beginner/train_eval_predict_en.html,
https://www.paddlepaddle.org.cn/documentation/docs/en/api/paddle/nn/functional/scaled_dot_product_attention_en.html,
https://www.paddlepaddle.org.cn/documentation/docs/en/api/paddle/optimizer/AdamW_en.html
(apply_decay_param_fun, grad_clip),
https://www.paddlepaddle.org.cn/documentation/docs/en/guides/jit/index_en.html (to_static).
"""

import paddle
from paddle import nn
from paddle.nn import functional as F


class Block(nn.Layer):
    def __init__(self):
        super().__init__()
        self.norm1 = nn.LayerNorm(128, bias_attr=False)
        self.qkv = nn.Linear(128, 3 * 128, bias_attr=False)
        self.project = nn.Linear(128, 128, bias_attr=False)
        self.norm2 = nn.LayerNorm(128, bias_attr=False)
        self.expand = nn.Linear(128, 512, bias_attr=False)
        self.contract = nn.Linear(512, 128, bias_attr=False)

    def forward(self, x):
        qkv = self.qkv(self.norm1(x)).reshape([0, 0, 3, 8, 16])
        q, k, v = qkv.unbind(axis=2)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.project(y.reshape([0, 0, 128]))
        y = F.gelu(self.expand(self.norm2(x)), approximate=True)
        return x + self.contract(y)


class Network(nn.Layer):
    def __init__(self):
        super().__init__()
        self.token = nn.Embedding(65, 128)
        self.position = nn.Embedding(64, 128)
        self.blocks = nn.Sequential(*[Block() for _ in range(4)])
        self.norm = nn.LayerNorm(128, bias_attr=False)

    def forward(self, x):
        x = self.token(x) + self.position(paddle.arange(x.shape[1]))
        x = self.norm(self.blocks(x))
        return paddle.matmul(x, self.token.weight, transpose_y=True)


def prepare(mode, threads, length):
    paddle.set_device("cpu")
    model = Network()
    decaying = {p.name for p in model.parameters() if len(p.shape) > 1}
    optimizer = paddle.optimizer.AdamW(
        1e-3,
        beta2=0.99,
        parameters=model.parameters(),
        weight_decay=0.1,
        apply_decay_param_fun=lambda name: name in decaying,
        grad_clip=nn.ClipGradByGlobalNorm(1.0),
    )
    model.train()
    forward = model
    if mode == "compiled":
        forward = paddle.jit.to_static(model, full_graph=True)

    def train(batches):
        losses = []
        for inputs, targets in batches:
            x, y = paddle.to_tensor(inputs), paddle.to_tensor(targets)
            loss = F.cross_entropy(forward(x), y)
            loss.backward()
            optimizer.step()
            optimizer.clear_grad(set_to_zero=False)
            losses.append(loss.detach())
        return losses

    return train
