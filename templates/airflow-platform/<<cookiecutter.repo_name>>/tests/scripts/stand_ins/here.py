"""kind, docker and aws: what is on this machine, and in ECR."""

from .calls import Call
from .state import Answer, Cluster, Outcome, State


def kind(state: State, call: Call, outcome: Outcome) -> Answer:
    """Do what kind does."""
    name = call.one("name")
    if call.verb == "get clusters":
        silent = "" if state.clusters else "No kind clusters found.\n"
        return Answer(stdout="".join(f"{name}\n" for name in state.clusters), stderr=silent)
    if call.verb == "get nodes":
        return Answer(stdout=f"{name}-control-plane\n")
    if call.verb == "create cluster" and name in state.clusters:
        return Answer(1, stderr="ERROR: node(s) already exist for a cluster with the name\n")
    if call.verb == "create cluster" and outcome == "interrupted":
        # kind takes back what it made when it fails, but not when it is interrupted.
        state.clusters[name] = Cluster(ready=False)
    if call.verb == "load docker-image" and call.words[0] not in state.images:
        return Answer(1, stderr=f'ERROR: image: "{call.words[0]}" not present locally\n')
    if outcome == "whole":
        if call.verb == "create cluster":
            state.clusters[name] = Cluster()
        if call.verb in ("create cluster", "export kubeconfig"):
            state.contexts.add(f"kind-{name}")
        if call.verb == "delete cluster":
            state.clusters.pop(name, None)
            state.contexts.discard(f"kind-{name}")
        if call.verb == "load docker-image":
            state.clusters[name].images.add(call.words[0])
    return Answer()


def docker(state: State, call: Call, outcome: Outcome) -> Answer:
    """Do what docker does: first what only looks, then what changes something."""
    if not state.engine:
        return Answer(1, stderr="Cannot connect to the Docker daemon\n")
    if call.verb == "version":
        return Answer(stdout="linux/amd64\n")
    if call.verb == "image ls":
        return Answer(stdout=_images(state, call))
    if call.verb in ("container inspect", "start", "exec"):
        return _container(
            state.clusters[call.words[0].removesuffix("-control-plane")], call, outcome
        )
    if call.verb == "login":
        state.logged_in |= outcome == "whole" and call.stdin.strip() == state.password
        return Answer(0 if call.stdin.strip() == state.password else 1)
    if call.verb == "build":
        if outcome == "whole":
            label, _, value = call.one("label").partition("=")
            state.images[call.one("tag")] = {label: value, "platform": call.one("platform")}
        return Answer()
    return _transfer(state, call, outcome)


def _images(state: State, call: Call) -> str:
    if "filter" not in call.options:
        return "sha256:0123\n" if call.words[0] in state.images else ""
    label, _, value = call.one("filter").removeprefix("label=").partition("=")
    tags = (
        image.rpartition(":")[2]
        for image in state.images
        if state.images[image].get(label) == value
    )
    return "".join(f"{tag}\n" for tag in tags)


def _container(node: Cluster, call: Call, outcome: Outcome) -> Answer:
    if call.verb == "container inspect":
        return Answer(stdout=f"{str(node.running).lower()}\n")
    if call.verb == "start":
        node.running |= outcome == "whole"
        return Answer()
    _, *command, image = call.words
    return Answer(0 if command == ["crictl", "inspecti"] and image in node.images else 1)


def _transfer(state: State, call: Call, outcome: Outcome) -> Answer:
    image = call.words[0]
    tag = image.rpartition(":")[2]
    registry = set() if state.registry is None else state.registry
    there = tag in registry if call.verb == "pull" else image in state.images
    if not (state.logged_in and there):
        return Answer(1, stderr="no basic auth credentials, or no such image\n")
    if outcome == "whole":
        registry.add(tag)
        state.images.setdefault(image, {})
    return Answer()


def aws(state: State, call: Call, _: Outcome) -> Answer:
    """Do what the AWS CLI does."""
    if call.verb == "ecr get-login-password":
        return Answer(stdout=f"{state.password}\n")
    if state.registry is None:
        return Answer(254, stderr="An error occurred (RepositoryNotFoundException)\n")
    if call.one("image-ids").removeprefix("imageTag=") not in state.registry:
        return Answer(254, stderr="An error occurred (ImageNotFoundException)\n")
    return Answer(stdout="sha256:0123\n")
