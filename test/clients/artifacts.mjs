// Pushes an image to a hub by Sigstore's client from npm, signs it with a key of its own, attaches the signature, and reads it back:
// node artifacts.mjs HOST:PORT REPOSITORY USER SECRET. Prints what it pushed as JSON.
import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { createServer, request } from 'node:http';
import { bundleFromJSON, bundleToJSON } from '@sigstore/bundle';
import { attachArtifactToImage, getImageDigest } from '@sigstore/oci';
import registry from '@sigstore/oci/dist/registry.js';
import { DSSEBundleBuilder } from '@sigstore/sign';
import { toSignedEntity, Verifier } from '@sigstore/verify';

const [host, repository, username, password] = process.argv.slice(2);
const credentials = { username, password };
const bundleType = 'application/vnd.dev.sigstore.bundle.v0.3+json';
const sha256 = bytes => 'sha256:' + createHash('sha256').update(bytes).digest('hex');

async function pushImage(tag) {
  const client = new registry.RegistryClient(host, repository, {});
  await client.signIn(credentials);
  const config = await client.uploadBlob(Buffer.from(
    '{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]},"config":{}}'));
  const layer = await client.uploadBlob(randomBytes(1000));
  const pushed = await client.uploadManifest(JSON.stringify({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: { ...config, mediaType: 'application/vnd.oci.image.config.v1+json' },
    layers: [{ ...layer, mediaType: 'application/vnd.oci.image.layer.v1.tar' }],
  }), { reference: tag });
  assert.equal(await getImageDigest({ credentials, imageName: `${host}/${repository}`, imageTag: tag }), pushed.digest);
  return pushed.digest;
}

// A bundle as sigstore makes it, by a key instead of the certificates and logs of the public service.
const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const signer = {
  sign: async data => ({
    signature: sign('sha256', data, keys.privateKey),
    key: { $case: 'publicKey', publicKey: keys.publicKey.export({ type: 'spki', format: 'pem' }), hint: 'test' },
  }),
};

async function signed(digest) {
  const statement = { _type: 'https://in-toto.io/Statement/v1', subject: [{ name: repository, digest: { sha256: digest.split(':')[1] } }] };
  return bundleToJSON(await new DSSEBundleBuilder({ signer, witnesses: [] })
    .create({ data: Buffer.from(JSON.stringify(statement)), type: 'application/vnd.in-toto+json' }));
}

function verify(bytes, digest) {
  const bundle = bundleFromJSON(JSON.parse(bytes));
  const keysOnly = {
    certificateAuthorities: [], timestampAuthorities: [], tlogs: [], ctlogs: [],
    publicKey: () => ({ publicKey: keys.publicKey, validFor: () => true }),
  };
  new Verifier(keysOnly, { tlogThreshold: 0, ctlogThreshold: 0, tsaThreshold: 0 }).verify(toSignedEntity(bundle));
  assert.equal(JSON.parse(bundle.content.dsseEnvelope.payload).subject[0].digest.sha256, digest.split(':')[1]);
}

// The hub without its list of referrers, as registries were before it: the client then keeps the list under a tag.
function startOld() {
  const server = createServer((asked, answer) => {
    if (asked.url.includes('/referrers/')) {
      answer.writeHead(404).end();
      return;
    }
    const [address, port] = host.split(':');
    const passed = request({ host: address, port, method: asked.method, path: asked.url, headers: asked.headers }, got => {
      answer.writeHead(got.statusCode, got.headers);
      got.pipe(answer);
    });
    passed.on('error', () => answer.destroy());
    asked.pipe(passed);
  });
  return new Promise(resolve => server.listen(0, '127.0.0.1', () => resolve(server)));
}

const attach = (at, digest, artifact, mediaType) => attachArtifactToImage({
  credentials, imageName: `${at}/${repository}`, imageDigest: digest, artifact: Buffer.from(artifact), mediaType,
  annotations: { 'dev.sigstore.bundle.content': 'dsse-envelope' }, fetchOpts: { retry: 0 },
});

const image = await pushImage('v1');
const bundle = await attach(host, image, JSON.stringify(await signed(image)), bundleType);
assert.equal(bundle.subjectDigest, image);

const old = await pushImage('v2');
const server = await startOld();
const before = [];
for (const text of ['first', 'second'])
  before.push((await attach(`127.0.0.1:${server.address().port}`, old, text, 'application/vnd.test.note')).digest);
server.closeAllConnections();
server.close();

// Reading: the client has no list of referrers, so its own requests with the token that it got.
const client = new registry.RegistryClient(host, repository, {});
await client.signIn(credentials);
const realm = new URL(`http://${host}/v2/`);
const challenge = (await fetch(new URL(`/v2/${repository}/manifests/v1`, realm))).headers.get('www-authenticate');
const part = name => challenge.match(new RegExp(`${name}="(.+?)"`))[1];
const asked = new URL(part('realm'));
asked.searchParams.set('service', part('service'));
asked.searchParams.set('scope', part('scope'));
const basic = { headers: { authorization: 'Basic ' + Buffer.from(`${username}:${password}`).toString('base64') } };
const { token } = await (await fetch(asked, basic)).json();
const get = async path => {
  const answer = await fetch(new URL(`/v2/${repository}/${path}`, realm), { headers: { authorization: `Bearer ${token}` } });
  assert.equal(answer.status, 200, `${path}: ${await answer.clone().text()}`);
  return answer;
};
const listed = await (await get(`referrers/${image}?artifactType=${encodeURIComponent(bundleType)}`)).json();
assert.deepEqual(listed.manifests.map(one => [one.digest, one.artifactType]), [[bundle.digest, bundleType]]);
const attached = await (await get(`manifests/${bundle.digest}`)).json();
const bytes = Buffer.from(await (await get(`blobs/${attached.layers[0].digest}`)).arrayBuffer());
assert.equal(sha256(bytes), attached.layers[0].digest);
verify(bytes, image);

// What came by the tag is in the hub's own list, too.
const byTag = (await client.getManifest(old.replace(':', '-'))).body.manifests.map(one => one.digest);
const byList = (await (await get(`referrers/${old}`)).json()).manifests.map(one => one.digest);
assert.deepEqual(byTag, before);
assert.deepEqual([...byList].sort(), [...before].sort());

console.log(JSON.stringify({ image, bundle: bundle.digest, old, before }));
