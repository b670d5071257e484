"""A deployed network on a microcontroller: TensorFlow Lite Micro's operators, their order, and the arena they need."""
