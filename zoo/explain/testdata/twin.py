# Usage: twin.py NETWORK SIDE CLASSES LAYER CAM_LAYER OUT
# Explains a network with random weights, torchvision's or one of those below, by saliency, guided backpropagation, Grad-CAM and
# deconvolution, and writes weights, image and maps as raw float32.
import collections, sys
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



class Named(torch.nn.Sequential):
    def __init__(self, *layers):
        super().__init__(collections.OrderedDict(layers))


def lenet5(n):  # LeCun et al. 1998 as it is written today
    nn = torch.nn
    return Named(
        ("c1", nn.Conv2d(1, 6, 5, padding=2)), ("relu1", nn.ReLU()), ("pool1", nn.MaxPool2d(2)),
        ("c3", nn.Conv2d(6, 16, 5)), ("relu2", nn.ReLU()), ("pool2", nn.MaxPool2d(2)), ("flatten", nn.Flatten()),
        ("c5", nn.Linear(400, 120)), ("relu3", nn.ReLU()), ("f6", nn.Linear(120, 84)), ("relu4", nn.ReLU()), ("output", nn.Linear(84, n)))


def zfnet(n):  # Zeiler and Fergus 2013, figure 3; PyTorch divides alpha by the size
    nn = torch.nn
    lrn = lambda: nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2)
    return Named(
        ("conv1", nn.Conv2d(3, 96, 7, 2, 1)), ("relu1", nn.ReLU()), ("pool1", nn.MaxPool2d(3, 2, 1)), ("lrn1", lrn()),
        ("conv2", nn.Conv2d(96, 256, 5, 2)), ("relu2", nn.ReLU()), ("pool2", nn.MaxPool2d(3, 2, 1)), ("lrn2", lrn()),
        ("conv3", nn.Conv2d(256, 384, 3, 1, 1)), ("relu3", nn.ReLU()), ("conv4", nn.Conv2d(384, 384, 3, 1, 1)), ("relu4", nn.ReLU()),
        ("conv5", nn.Conv2d(384, 256, 3, 1, 1)), ("relu5", nn.ReLU()), ("pool5", nn.MaxPool2d(3, 2)), ("flatten", nn.Flatten()),
        ("fc6", nn.LazyLinear(4096)), ("relu6", nn.ReLU()), ("fc7", nn.Linear(4096, 4096)), ("relu7", nn.ReLU()), ("fc8", nn.Linear(4096, n)))


torch.manual_seed(3)
channels = 1 if name == "lenet5" else 3
x = torch.randn(1, channels, side, side)
if name in ("lenet5", "zfnet"):
    net = globals()[name](classes).eval()
    net(x)  # tells a lazy layer its size
else:
    options = {"aux_logits": False, "init_weights": False, "transform_input": False} if name == "googlenet" else {}
    net = getattr(torchvision.models, name)(weights=None, num_classes=classes, **options).eval()
for m in net.modules():  # statistics as after some training, so that nothing vanishes on the way
    if isinstance(m, torch.nn.BatchNorm2d):
        m.running_mean.normal_(0, 0.1)
        m.running_var.uniform_(0.5, 1.5)
        torch.nn.init.normal_(m.bias, 0.1, 0.1)
torch.save(net.state_dict(), out + "/weights.pth")
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
