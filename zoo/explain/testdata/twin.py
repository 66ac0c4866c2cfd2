# Usage: twin.py NETWORK SIDE CLASSES LAYER CAM_LAYER OUT
# Explains a torchvision network with random weights by saliency, guided backpropagation, Grad-CAM and
# deconvolution, and writes weights, image and maps as raw float32.
import sys
import torch, torchvision

name, side, classes, layer, cam_layer, out = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], sys.argv[5], sys.argv[6]
mode = "exact"


class ReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        y = x.clamp(min=0)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, g):
        (y,) = ctx.saved_tensors
        if mode != "exact":
            g = g.clamp(min=0)
        return g if mode == "deconv" else g * (y > 0)


relu = lambda x, inplace=False: ReLU.apply(x)
torch.nn.functional.relu = relu
torch.nn.ReLU.forward = lambda self, x: relu(x)

torch.manual_seed(3)
options = {"aux_logits": False, "init_weights": True, "transform_input": False} if name == "googlenet" else {}
net = getattr(torchvision.models, name)(weights=None, num_classes=classes, **options).eval()
for m in net.modules():  # statistics as after some training, so that nothing vanishes on the way
    if isinstance(m, torch.nn.BatchNorm2d):
        m.running_mean.normal_(0, 0.1)
        m.running_var.uniform_(0.5, 1.5)
        torch.nn.init.normal_(m.bias, 0.1, 0.1)
torch.save(net.state_dict(), out + "/weights.pth")
x = torch.randn(1, 3, side, side)
x.numpy().tofile(out + "/x")

kept = {}
for key, module in net.named_modules():
    if key in (layer, cam_layer):
        module.register_forward_hook(lambda m, i, o, key=key: kept.__setitem__(key, o))


def gradient(rule, of):
    global mode
    mode = rule
    v = x.clone().requires_grad_()
    y = net(v)
    return torch.autograd.grad(of(y), v)[0], y


g, y = gradient("exact", lambda y: y[0].max())
g.abs().max(1)[0].numpy().tofile(out + "/saliency")
y.detach().numpy().tofile(out + "/logits")
gradient("guided", lambda y: y[0].max())[0].numpy().tofile(out + "/guided")
gradient("deconv", lambda y: kept[layer].max() ** 2 / 2)[0].numpy().tofile(out + "/deconv")
mode = "exact"
y = net(x.clone().requires_grad_())
maps = kept[cam_layer]
weights = torch.autograd.grad(y[0].max(), maps)[0].mean((2, 3), keepdim=True)
(weights * maps).sum(1).clamp(min=0).detach().numpy().tofile(out + "/gradcam")
