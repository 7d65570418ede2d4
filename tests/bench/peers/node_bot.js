// botbuilder for Node: CloudAdapter on plain http, as its samples show it.
'use strict';

const fs = require('node:fs');
const http = require('node:http');
const tls = require('node:tls');

// The SDK names Microsoft's servers itself; those names lead to a port of this machine.
const roads = JSON.parse(process.env.PEER_ROADS);
const connect = tls.connect;
tls.connect = (...given) => {
  const options = given[0];
  const port = options && typeof options === 'object' ? roads[options.host] : undefined;
  if (port !== undefined) {
    const name = options.host;
    given[0] = { ...options, host: '127.0.0.1', port, servername: name };
  }
  return connect(...given);
};

const {
  ActivityHandler,
  CloudAdapter,
  ConfigurationBotFrameworkAuthentication,
} = require('botbuilder');

const answers = JSON.parse(fs.readFileSync(process.env.PEER_ANSWERS, 'utf-8'));
const adapter = new CloudAdapter(
  new ConfigurationBotFrameworkAuthentication({
    MicrosoftAppId: process.env.PEER_APP_ID,
    MicrosoftAppPassword: process.env.PEER_SECRET,
    MicrosoftAppTenantId: process.env.PEER_TENANT,
    MicrosoftAppType: 'SingleTenant',
  }),
);

class Bot extends ActivityHandler {
  constructor() {
    super();
    this.onMessage(async (context, next) => {
      await context.sendActivity(answers[context.activity.text]);
      await next();
    });
  }
}

const bot = new Bot();

// What the adapter expects of a server's answer, which express and restify have.
function dressed(res) {
  res.status = (code) => {
    res.statusCode = code;
    return res;
  };
  res.header = (name, value) => res.setHeader(name, value);
  res.send = (body) => {
    if (body === undefined) {
      res.end();
    } else {
      res.end(typeof body === 'string' ? body : JSON.stringify(body));
    }
    return res;
  };
  return res;
}

http
  .createServer((req, res) => {
    if (req.method === 'GET') {
      res.end();
      return;
    }
    const parts = [];
    req.on('data', (part) => parts.push(part));
    req.on('end', async () => {
      req.body = JSON.parse(Buffer.concat(parts).toString('utf-8'));
      await adapter.process(req, dressed(res), (context) => bot.run(context));
    });
  })
  .listen(Number(process.env.PEER_PORT), '127.0.0.1');
