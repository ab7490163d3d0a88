"""Drives an engine through docker-py. Arguments: the engine's address, an image with a shell, the first three numbers of a free /24.

Prints "good" when all holds."""
import io
import os
import sys
import tarfile

import docker
from docker.errors import APIError, BuildError, ContainerError, ImageNotFound, NotFound

address, image, prefix = sys.argv[1:]
client = docker.DockerClient(base_url=address)
tag = f'py{os.getpid()}'


def system():
    assert client.ping()
    assert client.version()['Os'] == 'linux'
    assert client.info()['OSType'] == 'linux'
    assert 'Volumes' in client.df()


def run():
    assert client.containers.run(image, ['echo', 'py'], remove=True) == b'py\n'
    try:
        client.containers.run(image, ['sh', '-c', 'echo why >&2; exit 7'], remove=True)
        raise AssertionError('it did not fail')
    except ContainerError as error:
        assert error.exit_status == 7 and error.stderr == b'why\n', error
    try:
        client.images.get('nosuch:1')
        raise AssertionError('it is there')
    except ImageNotFound:
        pass


def life():
    c = client.containers.run(image, ['sh', '-c', 'echo up; exec sleep 1000'], detach=True, name=f'{tag}-life', labels={tag: 'x'},
                              mem_limit='64m', environment={'A': '1'}, ports={'80/tcp': ('127.0.0.1', None)})
    assert next(c.logs(stream=True, follow=True)) == b'up\n'
    c.reload()
    assert c.status == 'running' and c.attrs['HostConfig']['Memory'] == 64 << 20
    assert c.ports['80/tcp'][0]['HostIp'] == '127.0.0.1'
    assert [x.id for x in client.containers.list(filters={'label': f'{tag}=x'})] == [c.id]
    for _ in range(10):
        assert c.exec_run(['echo', 'e']).output == b'e\n'
    r = c.exec_run(['sh', '-c', 'echo o; echo e >&2; exit 3'], demux=True)
    assert r.exit_code == 3 and r.output == (b'o\n', b'e\n'), r
    assert b''.join(c.exec_run(['sh', '-c', 'echo 1; echo 2'], stream=True).output) == b'1\n2\n'
    assert c.stats(stream=False)['memory_stats']['limit'] == 64 << 20
    assert any('sleep' in p[-1] for p in c.top()['Processes'])
    c.pause()
    c.reload()
    assert c.status == 'paused'
    c.unpause()
    c.update(mem_limit='96m', memswap_limit='192m')
    c.rename(f'{tag}-renamed')
    assert {'Path': '/made', 'Kind': 1} in (c.exec_run('touch /made') and c.diff())
    c.restart(timeout=0)
    c.kill()
    assert c.wait()['StatusCode'] == 137
    c.remove()
    try:
        client.containers.get(c.id)
        raise AssertionError('it is still there')
    except NotFound:
        pass


def socket():
    c = client.containers.create(image, ['cat'], stdin_open=True)
    s = c.attach_socket(params={'stdin': 1, 'stdout': 1, 'stream': 1})
    c.start()
    s._sock.sendall(b'through the socket\n')
    head = s.read(8)
    assert head[0] == 1 and s.read(int.from_bytes(head[4:], 'big')) == b'through the socket\n', head
    c.remove(force=True)


def files():
    c = client.containers.create(image, ['true'])
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode='w') as tar:
        entry = tarfile.TarInfo('dir/file')
        entry.size = 4
        entry.mode = 0o640
        entry.uid = 7
        tar.addfile(entry, io.BytesIO(b'1234'))
    assert c.put_archive('/', data.getvalue())
    stream, stat = c.get_archive('/dir/file')
    assert stat['name'] == 'file' and stat['size'] == 4, stat
    back = tarfile.open(fileobj=io.BytesIO(b''.join(stream)))
    assert back.extractfile('file').read() == b'1234' and back.getmember('file').uid == 7
    assert len(b''.join(c.export())) > 100_000
    made = c.commit(repository=f'{tag}-made', tag='1', changes='LABEL made=yes')
    assert made.labels['made'] == 'yes'
    c.remove()
    client.images.remove(f'{tag}-made:1')


def build():
    built, log = client.images.build(fileobj=io.BytesIO(f'FROM {image}\nARG W\nRUN echo $W > /w\n'.encode()), tag=f'{tag}-b', buildargs={'W': 'v'})
    assert any('stream' in line for line in log)
    assert client.containers.run(built, ['cat', '/w'], remove=True) == b'v\n'
    try:
        client.images.build(fileobj=io.BytesIO(f'FROM {image}\nRUN exit 9\n'.encode()))
        raise AssertionError('it was built')
    except BuildError as error:
        assert 'returned a non-zero code: 9' in error.msg, error
    try:
        client.images.build(fileobj=io.BytesIO(b'NOPE\n'))
        raise AssertionError('it was built')
    except APIError as error:
        assert error.status_code == 400, error
    saved = b''.join(built.save(named=True))
    client.images.remove(f'{tag}-b')
    assert f'{tag}-b:latest' in client.images.load(saved)[0].tags
    assert client.images.get(f'{tag}-b').history()[0]['CreatedBy']
    client.images.remove(f'{tag}-b')


def networks_volumes():
    events = client.events(decode=True, filters={'type': 'network'})
    network = client.networks.create(f'{tag}-net', ipam=docker.types.IPAMConfig(pool_configs=[docker.types.IPAMPool(subnet=f'{prefix}.0/24')]))
    volume = client.volumes.create(f'{tag}-vol', labels={'a': 'b'})
    c = client.containers.create(image, ['sleep', '1000'], volumes={volume.name: {'bind': '/v', 'mode': 'rw'}})
    network.connect(c, aliases=['known'], ipv4_address=f'{prefix}.77')
    c.start()
    network.reload()
    assert [x.id for x in network.containers] == [c.id]
    assert client.containers.run(image, ['busybox', 'nslookup', 'known'], network=network.name, remove=True).count(f'{prefix}.77'.encode()) > 0
    for busy in (volume.remove, network.remove):
        try:
            busy()
            raise AssertionError(f'{busy} worked')
        except APIError as error:
            assert error.status_code in (403, 409), error
    network.disconnect(c)
    c.remove(force=True)
    volume.remove()
    network.remove()
    seen = []
    for event in events:
        # Others use the same engine: what they prune has no name.
        if event['Actor']['Attributes'].get('name') == network.name:
            seen.append(event['Action'])
            if event['Action'] == 'destroy':
                break
    assert seen[0] == 'create' and seen[-1] == 'destroy', seen
    assert seen.count('connect') == 2 and seen.count('disconnect') >= 2, seen


for step in (system, run, life, socket, files, build, networks_volumes):
    step()
    print(f'{step.__name__}: done', file=sys.stderr)
print('good')
