// Loaded into s3rver before its program: a file that it has written is closed before it says so. As it is, it answers when the last
// bytes have gone to the stream, and who asks at once reads the object of before, or half of the new one. An S3 service may not.
'use strict';
const { join } = require('path');

const modules = process.env.S3RVER_MODULES;
const fs = require(join(modules, 'fs-extra'));
const Store = require(join(modules, 's3rver', 'lib', 'stores', 'filesystem.js'));

const closing = new Map();
const open = fs.createWriteStream;
fs.createWriteStream = (path, ...options) => {
  const stream = open(path, ...options);
  const closed = new Promise((resolve, reject) => stream.once('close', resolve).once('error', reject));
  closed.catch(() => {}).finally(() => closing.get(path) === closed && closing.delete(path));
  closing.set(path, closed);
  return stream;
};

const written = (name, pathOf) => {
  const write = Store.prototype[name];
  Store.prototype[name] = async function (...given) {
    const result = await write.apply(this, given);
    await closing.get(pathOf(this, given));
    return result;
  };
};
written('putObject', (store, [object]) => store.getResourcePath(object.bucket, object.key, 'object'));
written('putPart', (store, [bucket, upload, part]) =>
  join(store.getResourcePath(bucket, undefined, 'uploads'), upload, part.toString()));

// The tokens by which listings go on are made with DES, which OpenSSL 3 has only as the triple one: with one key three times it is the same.
const crypto = require('crypto');
for (const name of ['createCipheriv', 'createDecipheriv']) {
  const create = crypto[name];
  crypto[name] = (algorithm, key, ...rest) => algorithm === 'des'
    ? create('des-ede3-cbc', Buffer.concat([key, key, key]), ...rest)
    : create(algorithm, key, ...rest);
}
