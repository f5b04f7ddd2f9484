"""From a corpus store to a bundle. All of torch, onnx and safetensors is in here."""
