// Drives an engine through dockerode. Arguments: the engine's socket, an image with a shell. Prints "good" when all holds.
import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import Docker from 'dockerode';

const [socketPath, image] = process.argv.slice(2);
const docker = new Docker({ socketPath });
const tag = `node${process.pid}`;

function collect(stream) {
  return new Promise((resolve, reject) => {
    const chunks = [];
    stream.on('data', chunk => chunks.push(chunk));
    stream.on('end', () => resolve(Buffer.concat(chunks).toString()));
    stream.on('error', reject);
  });
}

// Both streams of an attachment or an exec, apart.
async function split(stream) {
  const [out, err] = [new PassThrough(), new PassThrough()];
  docker.modem.demuxStream(stream, out, err);
  stream.on('end', () => { out.end(); err.end(); });
  return { out: await collect(out), err: await collect(err) };
}

async function system() {
  assert.equal((await docker.ping()).toString(), 'OK');
  assert.equal((await docker.version()).Os, 'linux');
  assert.equal((await docker.info()).OSType, 'linux');
  assert.ok(Array.isArray((await docker.df()).Images));
}

async function run() {
  const out = new PassThrough();
  const text = collect(out);
  // The stream ends by itself with the container's: its code may be told before its last words.
  const [result, container] = await docker.run(image, ['sh', '-c', 'echo from run; exit 3'], out, { Tty: true });
  assert.equal(result.StatusCode, 3);
  assert.match(await text, /from run/);
  await container.remove();
}

async function attachWaitLogs() {
  const container = await docker.createContainer({
    Image: image, Cmd: ['sh', '-c', 'read l; echo "got $l"; echo bad >&2'], OpenStdin: true, StdinOnce: true, AttachStdin: true,
    AttachStdout: true, AttachStderr: true, Labels: { [tag]: 'attach' },
  });
  const stream = await container.attach({ stream: true, hijack: true, stdin: true, stdout: true, stderr: true });
  const ended = split(stream);
  await container.start();
  stream.write('typed\n');
  stream.end();
  assert.deepEqual(await ended, { out: 'got typed\n', err: 'bad\n' });
  assert.equal((await container.wait()).StatusCode, 0);
  const listed = await docker.listContainers({ all: true, filters: { label: [`${tag}=attach`] } });
  assert.deepEqual(listed.map(one => one.Id), [container.id]);
  const logs = await container.logs({ stdout: true, stderr: false, follow: false });
  assert.equal(logs.subarray(8).toString(), 'got typed\n');
  await container.remove();
}

async function execFilesStats() {
  const container = await docker.createContainer({ Image: image, Cmd: ['sleep', '1000'], HostConfig: { Memory: 64 * 1024 * 1024 } });
  await container.start();
  const exec = await container.exec({ Cmd: ['sh', '-c', 'cat; echo e >&2; exit 4'], AttachStdin: true, AttachStdout: true, AttachStderr: true });
  const stream = await exec.start({ hijack: true, stdin: true });
  const ended = split(stream);
  stream.end('through exec');
  assert.deepEqual(await ended, { out: 'through exec', err: 'e\n' });
  assert.equal((await exec.inspect()).ExitCode, 4);
  assert.equal((await container.stats({ stream: false })).memory_stats.limit, 64 * 1024 * 1024);
  assert.ok((await container.top()).Processes.length > 0);
  const archive = await collect(await container.getArchive({ path: '/etc/hostname' }));
  assert.match(archive, /hostname/);
  assert.match((await container.infoArchive({ path: '/bin' })).headers?.['x-docker-container-path-stat'] ?? 'x', /./);
  await container.pause();
  assert.equal((await container.inspect()).State.Status, 'paused');
  await container.unpause();
  await container.update({ Memory: 128 * 1024 * 1024, MemorySwap: 256 * 1024 * 1024 });
  assert.equal((await container.inspect()).HostConfig.Memory, 128 * 1024 * 1024);
  await container.rename({ name: `${tag}-renamed` });
  const committed = await container.commit({ repo: `${tag}-made`, comment: 'by dockerode' });
  assert.match(committed.Id, /^sha256:/);
  assert.equal((await docker.getImage(`${tag}-made`).inspect()).Comment, 'by dockerode');
  assert.ok((await docker.getImage(`${tag}-made`).history()).length > 1);
  await container.remove({ force: true });
  await docker.getImage(`${tag}-made`).remove();
  await assert.rejects(docker.getImage(`${tag}-made`).inspect(), error => error.statusCode === 404);
}

async function networksVolumesEvents() {
  const events = await docker.getEvents({ filters: { type: ['network', 'volume'] } });
  const lines = [];
  let rest = '';
  events.on('data', chunk => {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop();
    lines.push(...parts.filter(line => line.length > 0).map(line => JSON.parse(line)));
  });
  const network = await docker.createNetwork({ Name: `${tag}-net`, Labels: { [tag]: '1' } });
  const volume = await docker.createVolume({ Name: `${tag}-vol` });
  const container = await docker.createContainer({
    Image: image, Cmd: ['sleep', '1000'], HostConfig: { NetworkMode: `${tag}-net`, Binds: [`${tag}-vol:/data`] },
  });
  await container.start();
  assert.equal(Object.keys((await network.inspect()).Containers).length, 1);
  await assert.rejects(network.remove(), error => [403, 409].includes(error.statusCode));
  await assert.rejects(volume.remove(), error => error.statusCode === 409);
  await network.disconnect({ Container: container.id });
  await network.connect({ Container: container.id, EndpointConfig: { Aliases: ['again'] } });
  await container.remove({ force: true });
  await volume.remove();
  await network.remove();
  // Others use the same engine: their networks go, too.
  while (!lines.some(event => event.Action === 'destroy' && event.Actor.Attributes.name === `${tag}-net`))
    await new Promise(resolve => events.once('data', resolve));
  events.destroy();
  const actions = lines.filter(event => event.Actor.ID === `${tag}-vol` || event.Actor.Attributes.name === `${tag}-net`)
    .map(event => `${event.Type} ${event.Action}`);
  for (const wanted of ['network create', 'volume create', 'network connect', 'volume mount', 'network disconnect', 'volume destroy'])
    assert.ok(actions.includes(wanted), `${wanted} in ${actions}`);
}

async function build() {
  const { pack } = (await import('tar-stream')).default;
  const context = pack();
  context.entry({ name: 'Dockerfile' }, `FROM ${image}\nARG WORD=none\nCOPY f /f\nRUN echo $WORD >> /f\nCMD ["cat", "/f"]\n`);
  context.entry({ name: 'f' }, 'file ');
  context.finalize();
  const stream = await docker.buildImage(context, { t: `${tag}-built`, buildargs: { WORD: 'word' } });
  const steps = await new Promise((resolve, reject) =>
    docker.modem.followProgress(stream, (error, all) => (error ? reject(error) : resolve(all))));
  assert.ok(steps.some(step => step.aux?.ID), JSON.stringify(steps));
  const out = new PassThrough();
  const text = collect(out);
  const [, container] = await docker.run(`${tag}-built`, [], out, {});
  assert.match(await text, /file word/);
  await container.remove();
  const saved = await docker.getImage(`${tag}-built`).get();
  await docker.getImage(`${tag}-built`).tag({ repo: `${tag}-other`, tag: 'x' });
  await docker.getImage(`${tag}-other:x`).remove();
  await docker.getImage(`${tag}-built`).remove();
  const loaded = await collect(await docker.loadImage(saved));
  assert.match(loaded, new RegExp(`Loaded image: ${tag}-built`));
  await docker.getImage(`${tag}-built`).remove();
}

for (const step of [system, run, attachWaitLogs, execFilesStats, networksVolumesEvents, build]) {
  await step();
  console.error(`${step.name}: done`);
}
console.log('good');
process.exit(0);
