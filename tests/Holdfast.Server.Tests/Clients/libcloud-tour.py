"""A user's tour with Apache Libcloud: key pairs, VMs, volumes, tags, a project. Called with the endpoint's address; the keys come on standard input."""
import json
import sys
import time
from urllib.parse import urlparse

from libcloud.compute.providers import get_driver
from libcloud.compute.types import KeyPairDoesNotExistError, NodeState, Provider

url = urlparse(sys.argv[1])
keys = json.load(sys.stdin)
driver = get_driver(Provider.CLOUDSTACK)(key=keys["apikey"], secret=keys["secretkey"], secure=False, host=url.hostname, port=url.port, path=url.path)


def check(what, holds):
    if not holds:
        sys.exit("not so: " + what)
    print("ok: " + what)


def comes_true(what, holds):
    deadline = time.monotonic() + 60
    while not holds():
        if time.monotonic() > deadline:
            sys.exit("waited 60 s in vain: " + what)
        time.sleep(0.1)
    print("ok: " + what)


def state_of(node):
    return next(n.state for n in driver.list_nodes() if n.id == node.id)


location = driver.list_locations()[0]
size = next(s for s in driver.list_sizes() if s.name == keys["offering"])
image = next(i for i in driver.list_images() if i.name == keys["template"])
check("sizes have memory and CPUs", size.ram > 0 and int(size.extra["cpu"]) > 0)

pair = driver.create_key_pair("made")
check("a made key pair has its private half", "PRIVATE KEY" in pair.private_key)
driver.import_key_pair_from_string("brought", keys["publickey"])
check("key pairs are listed", sorted(k.name for k in driver.list_key_pairs()) == ["brought", "made"])
check("a key pair is found by its name", driver.get_key_pair("made").fingerprint == pair.fingerprint)
try:
    driver.get_key_pair("nobody's")
    check("a key pair that is not there is told", False)
except KeyPairDoesNotExistError:
    check("a key pair that is not there is told", True)

node = driver.create_node(name="toured", size=size, image=image, location=location, ex_keyname="made", ex_userdata="#cloud-config\n", ex_displayname="Toured", ex_start_vm=True)
check("a node is made and runs", state_of(node) == NodeState.RUNNING)
shown = driver.ex_get_node(node.id)
check("it shows its offering, its image and its zone", (shown.extra["size_id"], shown.extra["image_id"], shown.extra["zone_id"]) == (size.id, image.id, location.id))
check("a node is rebooted", driver.reboot_node(node))
driver.ex_stop(node)
check("a node is stopped", state_of(node) == NodeState.STOPPED)
driver.ex_start(node)
check("a node is started", state_of(node) == NodeState.RUNNING)
check("tags are given", driver.ex_create_tags([node.id], "UserVm", {"role": "web"}) and driver.ex_get_node(node.id).extra["tags"] == {"role": "web"})
check("tags are taken", driver.ex_delete_tags([node.id], "UserVm", ["role"]) and driver.ex_get_node(node.id).extra["tags"] == {})

volume = driver.create_volume(1, "toured-data", location)
check("a volume is made", volume.size == 1 and any(v.id == volume.id for v in driver.list_volumes()))
check("a volume is attached", driver.attach_volume(node, volume) and [v.id for v in driver.list_volumes(node) if v.id == volume.id] == [volume.id])
check("a volume is detached", driver.detach_volume(volume))
check("a volume is deleted", driver.destroy_volume(volume))
comes_true("a deleted volume is gone when its backend has let it go", lambda: all(v.id != volume.id for v in driver.list_volumes()))

project = driver.ex_list_projects()[0]
check("projects are listed", (project.name, project.display_text, project.extra["vmtotal"]) == ("toured", "A project", 0))
# create_node takes a project and drops it.
made = driver._async_request("deployVirtualMachine", params={"name": "shared", "serviceofferingid": size.id, "templateid": image.id, "zoneid": location.id, "projectid": project.id})
shared = driver._to_node(made["virtualmachine"])
check("a node in a project is found with it", driver.ex_get_node(shared.id, project=project).extra["project"] == "toured")
check("it is listed with the project and not without", [n.id for n in driver.list_nodes(project=project)] == [shared.id] and all(n.id != shared.id for n in driver.list_nodes()))
check("it is destroyed", driver.destroy_node(shared, ex_expunge=True))

check("a node is destroyed", driver.destroy_node(node, ex_expunge=True))
comes_true("an expunged node is gone", lambda: all(n.id != node.id for n in driver.list_nodes()))
# Its answer is not asked: libcloud takes success for a word, which it is not in CloudStack either.
driver.delete_key_pair(pair)
check("key pairs are deleted", [k.name for k in driver.list_key_pairs()] == ["brought"])
check("limits are read", int(driver.ex_limits()["max_instances"]) != 0)
