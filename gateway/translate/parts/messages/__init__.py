"""Parts of the messages shape: blocks, efforts, signatures, stop reasons, usage."""
