// Drives an engine through testcontainers; DOCKER_HOST names it. Argument: an image with a shell, and one that stands in for the
// reaper (it says "Started" and acknowledges what it is told, but reaps nothing). Prints "good" when all holds.
import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GenericContainer, Network, Wait } from 'testcontainers';

const [image] = process.argv.slice(2);
// The client asks for what is said after its start has been answered: what is said at once can be too early for it, on any engine.
// busybox's httpd goes into the background when it listens.
const serve = ['sh', '-c', 'mkdir -p /www; echo page > /www/index.html; sleep 1; httpd -p 80 -h /www; echo serving; exec sleep 1000'];
// The client takes its log streams off Node's count of what is alive: alone with one of them, Node would end in the middle.
setInterval(() => {}, 1000);

async function portsLogsExecFiles() {
  const container = await new GenericContainer(image)
    .withCommand(serve)
    .withExposedPorts(80)
    .withEnvironment({ KEY: 'value' })
    .withLabels({ 'berth.test': 'node' })
    .withTmpFs({ '/scratch': 'rw' })
    .withCopyContentToContainer([{ content: 'copied', target: '/copied' }])
    .withWaitStrategy(Wait.forAll([Wait.forLogMessage('serving'), Wait.forListeningPorts()]))
    .start();
  const answer = await fetch(`http://${container.getHost()}:${container.getMappedPort(80)}/`);
  assert.equal(await answer.text(), 'page\n');
  const ran = await container.exec(['sh', '-c', 'echo $KEY; cat /copied; exit 2']);
  assert.deepEqual([ran.exitCode, ran.output], [2, 'value\ncopied']);
  const logs = await container.logs();
  await new Promise(resolve => logs.on('data', line => line.includes('serving') && resolve()));
  await container.restart();
  await container.stop();
}

async function networkAndHealth() {
  const network = await new Network().start();
  const server = await new GenericContainer(image).withCommand(serve).withNetwork(network).withNetworkAliases('site')
    .withHealthCheck({ test: ['CMD-SHELL', 'wget -qO- http://127.0.0.1/'], interval: 200, timeout: 3000, retries: 50 })
    .withWaitStrategy(Wait.forHealthCheck())
    .start();
  const client = await new GenericContainer(image).withCommand(['sleep', '1000']).withNetwork(network).start();
  assert.equal((await client.exec(['wget', '-qO-', 'http://site/'])).output, 'page\n');
  await client.stop();
  await server.stop();
  await network.stop();
}

async function buildFromDockerfile() {
  const context = mkdtempSync(join(tmpdir(), 'berth-testcontainers-'));
  try {
    writeFileSync(join(context, 'Dockerfile'), `FROM ${image}\nARG WORD\nRUN echo $WORD > /word\nCMD ["sleep", "1000"]\n`);
    const container = await (await GenericContainer.fromDockerfile(context).withBuildArgs({ WORD: 'built' }).build()).start();
    assert.equal((await container.exec(['cat', '/word'])).output, 'built\n');
    const id = await container.commit({ repo: 'berth-testcontainers', tag: 'committed' });
    assert.match(id, /^sha256:/);
    await container.stop();
  } finally {
    rmSync(context, { recursive: true });
  }
}

for (const step of [portsLogsExecFiles, networkAndHealth, buildFromDockerfile]) {
  await step();
  console.error(`${step.name}: done`);
}
console.log('good');
process.exit(0);
