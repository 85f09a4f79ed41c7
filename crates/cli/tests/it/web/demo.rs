//! A believable world: some friends, a trip, a family.

use std::fmt::Write as _;

use super::browser::Browser;
use crate::harness::{Home, World};

/// The account whose diary is looked at, on a terminal.
pub(crate) struct Demo {
    pub(crate) giulia: Home,
    pub(crate) marco: Home,
    pub(crate) elena: Home,
}

/// What was said: how many days ago, at what time, by whom.
type Chat = &'static [(i64, &'static str, &'static str, &'static str)];

/// Chats of some weeks, by the names of their groups.
const CHATS: [(&str, Chat); 4] = [
    (
        "Famiglia",
        &[
            (24, "20:05", "Papà", "Il forno nuovo è arrivato. Il vecchio lo prende lo zio"),
            (24, "20:11", "Mamma", "Così sabato proviamo la focaccia"),
            (13, "08:40", "Davide", "Qualcuno ha visto il mio caricabatterie?"),
            (13, "08:52", "Giulia", "È nel cassetto in cucina, come sempre 😄"),
            (6, "18:42", "Mamma", "Domenica siete tutti a pranzo da noi, vero?"),
            (6, "18:55", "Davide", "Io sì! Porto il dolce"),
            (6, "19:03", "Giulia", "Anch'io, ma arrivo verso l'una"),
            (5, "09:10", "Papà", "Ho trovato le foto della casa vecchia. Le guardiamo insieme"),
            (3, "21:30", "Mamma", "Giulia, ti serve ancora la tenda per la montagna?"),
            (3, "21:34", "Giulia", "Sì! Passo a prenderla venerdì sera"),
            (1, "12:15", "Davide", "Che dolce preferite: crostata o tiramisù?"),
            (1, "12:16", "Mamma", "Crostata!"),
            (1, "12:20", "Papà", "Tiramisù, e non si discute"),
        ],
    ),
    (
        "Condominio via Roma 12",
        &[
            (31, "19:20", "Amministratore", "L'assemblea è il 12, alle 18 nell'atrio"),
            (30, "08:15", "Giulia", "Grazie, ci sarò"),
            (4, "17:48", "Signora Bianchi", "L'ascensore funziona di nuovo"),
        ],
    ),
    (
        "Calcetto del giovedì",
        &[
            (16, "13:02", "Nico", "Siamo in nove, ne manca uno"),
            (16, "13:30", "Giulia", "Chiedo a mio fratello"),
            (9, "22:41", "Nico", "Cinque a quattro, che partita"),
            (2, "12:55", "Irene", "Giovedì il campo è alle 20, non alle 19"),
        ],
    ),
    (
        "Corso di ceramica",
        &[
            (45, "10:00", "Marta", "Benvenute! Portate un grembiule e poca paura"),
            (38, "18:22", "Giulia", "La mia tazza pende, ma è mia"),
            (22, "09:31", "Marta", "I pezzi sono cotti: passate quando volete"),
        ],
    ),
];

/// Makes it.
pub(crate) fn make(world: &World) -> Demo {
    let [giulia, marco, sofia, luca, elena] =
        ["giulia", "marco", "sofia", "luca", "elena"].map(|name| world.register(name));
    let today = jiff::Zoned::now().with_time_zone(jiff::tz::TimeZone::UTC).date();
    for (number, (title, said)) in CHATS.iter().enumerate() {
        let mut chat = String::new();
        for (days, time, who, text) in *said {
            let day = today.saturating_sub(jiff::Span::new().days(*days));
            writeln!(chat, "{}, {time} - {who}: {text}", day.strftime("%d/%m/%Y")).unwrap();
        }
        let file = world.file(&format!("chat-{number}.txt"), &chat);
        let file = file.to_str().unwrap();
        giulia.ok(&["import", file, "--title", title, "--time-zone", "UTC", "--date-order", "dmy"]);
    }
    giulia.ok(&["send", "self", "Spesa: pane, formaggio, mele, crema solare"]);
    elena.ok(&["send", "giulia", "Grazie per il libro! L'ho finito in due sere 📖"]);
    giulia.ok(&["send", "elena", "Te l'avevo detto che non si riusciva a smettere"]);
    giulia.ok(&["group", "create", "Gita in montagna", "marco", "sofia", "luca"]);
    for home in [&marco, &sofia, &luca] {
        home.ok(&["sync"]);
    }
    for (who, text) in [
        (&giulia, "Allora: sabato, Rifugio Alpe di Siusi?"),
        (&marco, "Io ci sono. Il meteo dà sole tutto il giorno ☀️"),
        (&sofia, "Anch'io! A che ora partiamo?"),
        (
            &giulia,
            "Alle sette dalla stazione, così evitiamo il traffico. Il sentiero è il numero 7: sono circa tre ore \
                   a salire, con una pausa al laghetto.",
        ),
        (&luca, "Le sette?! 😴"),
        (&marco, "Il caffè lo porto io"),
        (&luca, "Allora va bene"),
        (&sofia, "Qui c'è la mappa: https://example.org/sentieri/7"),
        (&giulia, "Perfetta. Porto la tenda, per ogni evenienza"),
    ] {
        who.ok(&["send", "Gita in montagna", text]);
    }
    for (who, other, text) in [
        (&marco, "giulia", "Hai tu le chiavi della macchina?"),
        (&giulia, "marco", "Sì, sono sul tavolo in cucina"),
        (&marco, "giulia", "Perfetto, passo tra dieci minuti"),
        (&sofia, "giulia", "Ti va un caffè domani?"),
        (&sofia, "giulia", "Devo raccontarti una cosa 😄"),
    ] {
        who.ok(&["send", other, text]);
    }
    for home in [&marco, &sofia, &luca, &elena] {
        home.ok(&["sync"]);
    }
    marco.ok(&["read", "giulia"]);
    giulia.ok(&["sync"]);
    giulia.ok(&["read", "marco"]);
    giulia.ok(&["read", "elena"]);
    giulia.ok(&["read", "Gita in montagna"]);
    Demo { giulia, marco, elena }
}

impl Browser {
    /// Goes to a place of the app without loading it anew.
    pub(crate) fn visit(&self, path: &str) {
        let code =
            format!("history.pushState(1, '', '{path}'); dispatchEvent(new PopStateEvent('popstate'))");
        self.script(&code);
        self.settles();
    }

    /// Waits until the page has nothing left to draw.
    pub(crate) fn settles(&self) {
        self.until("the page stands still", || {
            let still = "const words = document.body.innerText; \
                         await new Promise(r => setTimeout(r, 120)); \
                         return words === document.body.innerText \
                             && !document.querySelector('[aria-busy=true]') \
                             && document.getAnimations().every(a => a.playState !== 'running' \
                                    || a.effect.getTiming().iterations === Infinity)";
            self.script(still) == true
        });
    }

    /// Chooses the language and theme of the app, as its settings do.
    pub(crate) fn choose(&self, language: &str, theme: &str) {
        self.script(&format!(
            "localStorage.setItem('diario.language', '{language}'); localStorage.setItem('diario.theme', '{theme}')"
        ));
        self.reload();
        self.until("the app is there", || {
            self.script("return document.querySelector('.way, .row-link') !== null") == true
        });
        self.settles();
    }
}
