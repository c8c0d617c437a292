// page.js sends the same request in each form, and shows what arrives.

const $ = (selector) => document.querySelector(selector);
const headers = ["Content-Type", "Content-Language", "Vary", "Retry-After", "WWW-Authenticate"];

// The page's own words. Those of a failure come from the server.
const words = {
	en: { title: "Register", name: "Name", email: "E-mail", register: "Register", welcome: "Welcome!", help: "Quote % when you ask for help." },
	zh: { title: "注册", name: "用户名", email: "电子邮箱", register: "注册", welcome: "欢迎！", help: "寻求帮助时请提供编号 %。" },
	de: { title: "Registrieren", name: "Name", email: "E-Mail", register: "Registrieren", welcome: "Willkommen!", help: "Wenn Sie Hilfe brauchen, nennen Sie %." },
};

// send sends the request to the address of an article, and returns the answer.
async function send(article, request, language, signal) {
	const response = await fetch(article.dataset.path, {
		method: "POST",
		headers: { "Content-Type": "application/json", "Accept": article.dataset.accept ?? "*/*", "Accept-Language": language },
		body: JSON.stringify(request),
		signal,
	});
	return { article, response, text: await response.text() };
}

// showAnswer shows an answer as curl -i does. Its last line, which has the failure, is indented.
function showAnswer({ article, response, text }) {
	const lines = [];
	if (article.id !== "grpc") { // whose answer isn't the one that it describes
		lines.push(`HTTP ${response.status} ${response.statusText}`);
		for (const name of headers) {
			if (response.headers.has(name)) lines.push(`${name}: ${response.headers.get(name)}`);
		}
		lines.push("");
	}
	const bodies = text.trim().split("\n").map((line) => JSON.parse(line));
	const last = JSON.stringify(bodies.pop(), null, 2);
	article.querySelector("pre").textContent = [...lines, ...bodies.map((body) => JSON.stringify(body)), last].join("\n");
}

// showPerson shows a person the message, the wrong fields, and the id to quote: all that an
// application needs, from problem+json.
function showPerson({ response, text }, language) {
	const own = words[language.split("-")[0]];
	for (const element of document.querySelectorAll("[data-word]")) element.textContent = own[element.dataset.word];
	$("#person").lang = language;

	const problem = response.ok ? { detail: own.welcome } : JSON.parse(text);
	$("#answer").className = response.ok ? "right" : "wrong";
	$("#message").textContent = problem.detail;
	$("#message").lang = response.ok ? language : response.headers.get("Content-Language") ?? "en";
	const [before, after] = own.help.split("%");
	const id = document.createElement("code");
	id.textContent = problem.instance;
	$("#help").replaceChildren(...(problem.instance ? [before, id, after] : []));

	// A pointer has the names of the .proto file, and JSON has lowerCamelCase: email_address, emailAddress.
	for (const field of document.querySelectorAll("[data-pointer]")) {
		const error = problem.errors?.find((error) => error.pointer === field.dataset.pointer);
		field.setAttribute("aria-invalid", error !== undefined);
		$(`#${field.id}-error`).textContent = error?.detail ?? "";
	}
}

let running = new AbortController();

// submit sends the form everywhere. A later submit cancels it.
async function submit() {
	running.abort();
	const { signal } = (running = new AbortController());
	const language = $("#language").value;
	const request = { user: { name: $("#name").value, emailAddress: $("#email").value }, failWith: $("#code").value };
	$("main").setAttribute("aria-busy", true);
	try {
		const articles = [...document.querySelectorAll("article")];
		const answers = await Promise.all(articles.map((article) => send(article, request, language, signal)));
		answers.forEach(showAnswer);
		showPerson(answers.find(({ article }) => article.id === "problem"), language);
		$("#trouble").hidden = true;
	} catch (error) {
		if (signal.aborted) return;
		$("#trouble").textContent = `This page failed: ${error.message}. Does the server still run?`;
		$("#trouble").hidden = false;
	}
	$("main").setAttribute("aria-busy", false);
}

$("#form").addEventListener("submit", (event) => {
	event.preventDefault();
	submit();
});
$("#code").addEventListener("change", submit);
$("#language").addEventListener("change", submit);
submit();
