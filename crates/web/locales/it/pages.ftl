# Benvenuto, dispositivi, impostazioni, nuova conversazione, dettagli; finestre e problemi.

page-back = Indietro
dialog-cancel = Annulla
toast-dismiss = Chiudi
rename-save = Salva
ago-now = adesso

## Benvenuto

app-name = Diario
welcome-what = Messaggi privati, gli stessi su ogni tuo dispositivo. Possono leggerli solo tu e le persone a cui scrivi.
welcome-create = Crea un account
welcome-create-hint = È la prima volta che vieni qui
welcome-link = Collega questo dispositivo al mio account
welcome-link-hint = Usi già Diario su un altro dispositivo
welcome-foot = Niente numero di telefono, niente e‑mail. Le tue chiavi nascono su questo dispositivo e restano con te.

create-title = Crea un account
create-what = Scegli il nome con cui gli altri ti trovano.
create-name = Nome
create-name-hint = Da 2 a 32 caratteri: lettere dalla a alla z, cifre, punto, trattino e trattino basso; il primo è una lettera. Non si può cambiare in seguito.
create-name-short = Un nome ha almeno 2 caratteri.
create-name-long = Un nome ha al massimo 32 caratteri.
create-name-start = Un nome comincia con una lettera.
create-name-letters = Solo lettere dalla a alla z, cifre, punto, trattino e trattino basso, senza spazi né accenti.
create-invite = Invito
create-invite-hint = Lo ricevi da chi gestisce questo server: un invito, o il codice per ricominciare con il tuo nome.
create-invite-needed = Questo server chiede un invito, oppure questo non è più valido.
create-submit = Crea l’account
create-busy = Creo le tue chiavi e il tuo account…

device-name = Nome di questo dispositivo
device-name-hint = Lo vedi solo tu, nell’elenco dei tuoi dispositivi.
device-suggested-name = { $browser } su { $system }
device-suggested-name-unknown = Browser

link-title = Collega questo dispositivo
link-what = Le tue conversazioni arrivano in questo browser dal tuo account. Sull’altro dispositivo non si perde nulla.
link-step-open = Apri Diario su un dispositivo che è già nel tuo account.
link-step-add = Vai su Dispositivi, poi «Aggiungi un dispositivo».
link-step-scan = Inquadra questo codice.
link-step-type = Digita queste lettere.
link-step-confirm = Conferma lì che sei tu.
link-qr-label = Codice QR da inquadrare con l’altro dispositivo
link-code-label = Digitalo sull’altro dispositivo
link-making = Preparo un codice…
link-done = Collegato. Le tue conversazioni stanno arrivando…
link-failed = Questo codice non vale più. Dura pochi minuti e si usa una volta sola.
link-again = Nuovo codice
link-show-code = Non posso inquadrarlo: mostra lettere da digitare
link-show-qr = Mostra un codice QR da inquadrare

## Dispositivi

devices-title = Dispositivi
devices-what = Ognuno tiene le tue conversazioni e funziona anche quando gli altri sono spenti.
devices-loading = Cerco i tuoi dispositivi…
devices-add = Aggiungi un dispositivo
devices-not-primary = I dispositivi si aggiungono, si rinnovano e si rimuovono da un dispositivo principale.
devices-unnamed = Dispositivo senza nome
devices-this = Questo dispositivo
devices-primary = Principale
devices-primary-what = Può aggiungere e rimuovere dispositivi
devices-online = In linea
devices-seen = Visto l’ultima volta { $when }
devices-not-seen = Mai visto finora
devices-expires = scade { $when } se nessun dispositivo principale va in linea
devices-expired = Scaduto. Rinnovato da un dispositivo principale, riprende con tutto ciò che ha
devices-ends = Scade { $when }: rinnovalo, o metti in linea un dispositivo principale
devices-awaits-key = Diventa principale appena è in linea
devices-more = Altro su { $name }
devices-began = L’account è stato creato qui { $when }
devices-linked = Aggiunto { $when } da { $name }
devices-renew = Rinnova
devices-make-main = Rendilo principale
devices-hand-over = Passagli il ruolo
devices-make-linked = Rendilo collegato
role-main = Rendere { $name } un dispositivo principale?
role-main-what = Potrà aggiungere e rimuovere dispositivi, anche questo, e il suo tempo non scade.
role-hand-over = Passare il ruolo a { $name }?
role-hand-over-what = Diventa un dispositivo principale. Appena lo è, questo diventa un dispositivo collegato: continua come prima, ma non può più aggiungere o rimuovere dispositivi.
role-linked = Rendere { $name } un dispositivo collegato?
role-linked-what = Continua come prima, ma non può più aggiungere o rimuovere dispositivi.
devices-rename = Rinomina { $name }
devices-remove = Rimuovi
devices-remove-name = Rimuovi { $name }
revoke-title = Rimuovere { $name }?
revoke-yes = Rimuovi
revoke-what = È escluso subito e non può leggere nulla di ciò che si scrive da ora in poi. Ciò che non ha ancora inviato va perso.
revoke-kept = Quello che contiene già resta lì finché non viene cancellato sul posto.
revoke-rest = Il tuo account e gli altri dispositivi non perdono nulla.

add-title = Aggiungi un dispositivo
add-what = Sul nuovo dispositivo apri Diario e scegli «Collega questo dispositivo al mio account».
add-way = Come arriva il codice
add-scan = Inquadra
add-type = Digita il codice
add-scan-hint = Tieni il codice QR del nuovo dispositivo davanti alla fotocamera.
add-code = Codice del nuovo dispositivo
add-code-hint = 8 lettere e cifre. Maiuscole e minuscole sono uguali.
add-code-short = Il codice ha 8 lettere e cifre.
add-submit = Continua
add-reaching = Raggiungo il nuovo dispositivo…
add-done = { $name } è nel tuo account
add-done-what = Le tue conversazioni stanno arrivando lì.
add-done-devices = Ai tuoi dispositivi
add-failed = Il dispositivo non è stato aggiunto
add-failed-what = Il codice è scaduto, era sbagliato oppure il dispositivo si è allontanato. Fagli mostrare un nuovo codice.
add-again = Riprova
admit-title = Fare entrare { $name } nel tuo account?
admit-what = Leggerà tutte le tue conversazioni e scriverà a nome tuo.
admit-warning = Accetta solo se il dispositivo è tuo e lo hai davanti.
admit-yes = Fallo entrare
admit-no = No
full-title = Fai posto a { $name }
full-what = Il tuo account ha { $most } dispositivi, quanti ne permette questo server. Quello che rimuovi fa posto al nuovo.
full-remove = Rimuovi
full-remove-name = Rimuovi { $name } per fare posto
full-no = Non fare entrare { $name }

camera-label = Quello che vede la fotocamera
camera-starting = Aspetto la fotocamera…
camera-refused = Diario non può usare la fotocamera. Puoi permetterlo nelle impostazioni del browser per questo sito, oppure digitare il codice.
camera-missing = Nessuna fotocamera trovata. Digita il codice.

## Impostazioni

settings-title = Impostazioni
settings-account = Account
settings-name = Nome
settings-id = ID dell’account
settings-language = Lingua
settings-language-system = Come il browser
settings-theme = Aspetto
settings-theme-system = Come il sistema
settings-theme-light = Chiaro
settings-theme-dark = Scuro
settings-privacy = Riservatezza
settings-receipts = Conferme
settings-receipts-hint = Gli altri vedono quando i loro messaggi ti sono arrivati e quando li hai letti. Su tutti i tuoi dispositivi.

notify-title = Notifiche
notify-unsupported = Questo browser non può mostrare notifiche qui.
notify-install = Su iPhone o iPad aggiungi prima Diario alla schermata Home.
notify-blocked = Le notifiche sono bloccate in questo browser.
notify-unblock = Apri le impostazioni di questo sito dal simbolo accanto all’indirizzo e consenti le notifiche.
notify-off = Su questo dispositivo le notifiche sono spente.
notify-while-open = Ricevi notifiche finché Diario è aperto.
notify-while-open-why = Questo browser o questo server non può svegliare Diario quando è chiuso.
notify-always = Ricevi notifiche anche quando Diario è chiuso.
notify-no-content = Il segnale che passa da chi produce il browser non contiene nulla dei tuoi messaggi.
notify-asking = Aspetto il browser…
notify-enable = Attiva
notify-pushed = Nuovo messaggio
notify-disable = Disattiva

storage-title = Conservato in questo browser
storage-used = Dimensione
storage-holds = Contiene
storage-messages =
    { $count ->
        [one] { $count } messaggio
       *[other] { $count } messaggi
    }
storage-conversations =
    { $count ->
        [one] { $count } conversazione
       *[other] { $count } conversazioni
    }
storage-both = { $messages } in { $conversations }
storage-kept = Il browser lo conserva finché non lo cancelli tu.
storage-not-kept = Il browser può cancellarlo quando manca spazio o se non vieni qui per molto tempo.
storage-memory = Questo browser non lascia conservare nulla a Diario: tutto scompare quando chiudi l’ultima scheda.
storage-ask = Chiedi al browser di conservarlo
storage-refused = Il browser ha detto di no. Installa Diario o aggiungilo ai preferiti e chiedi di nuovo; oppure aggiungi un secondo dispositivo, così nulla può andare perso.
size-kilobytes = { $count } kB
size-megabytes = { $count } MB
size-gigabytes = { $count } GB
rebuild-hint = Se qui qualcosa non torna, ciò che è solo una copia si può scaricare di nuovo.
rebuild-title = Scaricare tutto di nuovo?
rebuild-yes = Scarica di nuovo
rebuild-what = Questo browser butta le sue copie delle conversazioni e le scarica dal server.
rebuild-safe = Le tue chiavi e i messaggi ancora da inviare restano.
rebuild-busy = Scarico le tue conversazioni…
rebuild-begun = Le tue conversazioni vengono scaricate di nuovo.

app-title = L’app
app-installed = Diario è installato su questo dispositivo.
app-not-installed = Diario gira nel browser. Installato, ha una finestra e un’icona tutte sue.
app-install = Installa
app-version = Versione

wipe-title = Rimuovi da questo browser
wipe-hint = Cancella le tue chiavi e tutte le conversazioni da questo browser. Gli altri tuoi dispositivi conservano tutto.
wipe-open = Rimuovi da questo browser…
wipe-ask = Cancellare tutto da questo browser?
wipe-yes = Cancella
wipe-what = Le tue chiavi e tutte le conversazioni in questo browser vengono cancellate per sempre. Per tornare dovrai collegarlo di nuovo.
wipe-unsent =
    { $count ->
        [one] { $count } messaggio non è ancora stato inviato e andrà perso.
       *[other] { $count } messaggi non sono ancora stati inviati e andranno persi.
    }
wipe-only = Se questo è il tuo unico dispositivo e non hai una chiave di recupero, con lui perdi l’account: nessuno può restituirtelo.

## Nuova conversazione

new-title = Nuova conversazione
new-kind = Tipo di conversazione
new-person = Persona
new-group = Gruppo
new-name = Nome della persona
new-name-hint = Esattamente come si chiama qui. I nomi non sono elencati da nessuna parte: chiediglielo.
new-open = Scrivi
new-finding = Cerco…
find-nobody = Qui nessuno si chiama { $name }.
find-offline = Non c’è connessione. Senza, un nome non si può cercare.
find-self = Sei tu.
find-twice = { $name } c’è già.
gather-label = Aggiungi una persona
gather-hint = Il suo nome esatto.
gather-add = Aggiungi
gather-chosen = Persone scelte
gather-remove = Togli { $name }
group-title = Nome del gruppo
group-rename = Nuovo nome
group-needs-name = Un gruppo ha bisogno di un nome.
group-make = Inizia il gruppo
group-making = Inizio…

## Dettagli

## Finding messages

find-title = Cerca nei messaggi
find-placeholder = Parole, o “una frase”
find-hint = Maiuscole e accenti non contano. Le parole tra virgolette si cercano così come sono.
find-only-in = Solo in { $title }
find-everywhere = Cerca in tutte le conversazioni
find-filters = Persona e data
find-from = Detto da
find-since = Da questo giorno
find-until = Fino a questo giorno
find-nothing = Non si è trovato nulla.
find-count =
    { $count ->
        [one] Un messaggio
       *[other] { $count } messaggi
    }
find-count-more = I { $count } più recenti
find-more = Mostra i più vecchi
find-incomplete = Le parti più vecchie delle tue conversazioni non sono su questo dispositivo: lì non si è cercato.
find-complete-since = Dal { $date } si è cercato ovunque. Prima, solo in ciò che è su questo dispositivo.
find-fetch = Recupera il resto
find-unindexed =
    { $count ->
        [one] Un messaggio non è ancora pronto per la ricerca…
       *[other] { $count } messaggi non sono ancora pronti per la ricerca…
    }

details-title = Dettagli
details-self = Ci sono solo i tuoi dispositivi.
details-list = Nell’elenco
details-pin = Fissa in alto
details-pin-hint = Su tutti i tuoi dispositivi.
details-mute = Silenzia
details-mute-hint = I nuovi messaggi non danno notifiche, su nessuno dei tuoi dispositivi.
details-members = Membri
details-loading = Guardo chi c’è…
details-you = Tu
details-add =
    { $count ->
        [one] Fai entrare una persona
       *[other] Fai entrare { $count } persone
    }
details-remove = Rimuovi
details-remove-name = Rimuovi { $name } dal gruppo
remove-title = Rimuovere { $name } dal gruppo?
remove-yes = Rimuovi
remove-what = Non potrà leggere nulla di ciò che si scrive da ora in poi. Quello che ha ricevuto le resta.
safety-title = Numero di sicurezza
safety-of = Numero di sicurezza di { $name }
safety-looking = Cerco il numero…
safety-open = Confrontalo
safety-is-verified = L’hai confrontato: nessuno sta tra voi.
safety-not-verified = Non ancora confrontato.
safety-what = Se { $name } vede lo stesso numero, nessuno sta tra voi, neppure il server.
safety-number = Il numero
safety-compare = Confrontatelo fianco a fianco, o leggetelo ad alta voce in una chiamata. { $name } lo trova nei dettagli della vostra conversazione.
safety-qr = Codice QR del numero di sicurezza
safety-scan = Inquadra il suo codice
safety-show = Mostra il codice
safety-mark = Segna come verificato
safety-unmark = Togli il segno
safety-mark-hint = Il segno vale per tutti i tuoi dispositivi.
safety-match = È lo stesso: nessuno sta tra te e { $name }.
safety-mismatch = Questo non è il numero che si vede qui. Se { $name } l’ha mostrato per te, qualcuno sta tra voi: qui non scrivere nulla di segreto.
safety-other-version = Quel codice è di un’altra versione di Diario. Aggiorna la più vecchia, o confrontate le cifre.
safety-camera-refused = Diario non può usare la fotocamera. Permettilo nel browser, o confrontate le cifre.
safety-camera-missing = Qui non c’è una fotocamera. Confrontate le cifre.

export-title = Salva una copia
export-hint = Un file tuo, con tutto ciò che di questa conversazione è su questo dispositivo. Può leggerlo chiunque abbia il file.
export-page = Da leggere e stampare
export-data = Come dati
export-busy = Scrivo { $done } di { $total } messaggi…
export-done = Il file è stato consegnato al browser.
export-incomplete = Il file è stato consegnato al browser. Le parti più vecchie della conversazione non sono su questo dispositivo, né nel file.
export-made = Salvato da Diario di { $name }, { $date }
export-joined = Nella conversazione: { $names }
export-left = Non più nella conversazione: { $names }
export-missing = Le parti più vecchie di questa conversazione non erano sul dispositivo che ha scritto questo file.
leave-title = Lascia il gruppo
leave-hint = Non ricevi più nulla dal gruppo. Quello che è qui resta e si può leggere.
leave-open = Lascia il gruppo…
leave-ask = Lasciare { $title }?
leave-yes = Lascia
leave-what = Per tornare, un membro deve aggiungerti di nuovo.

## Avvisi

update-ready = È pronta una nuova versione
update-hint = Quello che stai scrivendo resta.
update-now = Ricarica
update-later = Più tardi

## Problemi

problem-no-account = In questo browser non c’è ancora un account.
problem-has-account = In questo browser c’è già un account.
problem-revoked = Questo dispositivo è stato rimosso dal suo account.
problem-not-primary = Può farlo solo un dispositivo principale.
problem-last-primary = L’unico dispositivo principale di un account non si può rimuovere.
problem-bad-name = Non è un nome: da 2 a 32 lettere dalla a alla z, cifre, punto, trattino e trattino basso; il primo è una lettera.
problem-name-taken = Qualcun altro ha già questo nome.
problem-invite-needed = Questo server chiede un invito.
problem-registration-closed = Al momento questo server non accetta nuovi account.
problem-unknown = Non è più qui.
problem-left = Non fai più parte di questa conversazione.
problem-membership = I membri di questa conversazione non si possono cambiare così.
problem-empty = Non c’è nulla da inviare.
problem-too-long = È troppo lungo per un messaggio: al massimo { $kilobytes } kB.
problem-offline = Non c’è connessione con il server.
problem-not-yet = Questo dispositivo si sta ancora aggiornando. Riprova tra poco.
problem-bad-code = Non è il codice di un dispositivo.
problem-code-refused = Il codice è scaduto, già usato o sbagliato. Fai mostrare un altro codice al nuovo dispositivo.
problem-storage-full = Lo spazio di questo browser è pieno. Finché non se ne libera non si può conservare altro.
problem-expired = Il tempo di questo dispositivo è scaduto. Rinnovalo da un dispositivo principale, nella sua pagina dei dispositivi.
problem-server-full = In questo momento il server non può conservare nulla. Riprova tra poco.
problem-on-its-way = Il messaggio è già stato inviato: non può più essere annullato.
problem-wait =
    { $seconds ->
        [one] Il server chiede pazienza: riprova tra un secondo.
       *[other] Il server chiede pazienza: riprova tra { $seconds } secondi.
    }
problem-other = Non ha funzionato. { $what }

## Cronologia su questo dispositivo

history-title = Cronologia su questo dispositivo
history-whole = Tutto ciò che puoi leggere è su questo dispositivo.
history-missing =
    { $count ->
        [one] { $number } messaggio precedente non è ancora su questo dispositivo. Arriva quando scorri fin lì.
       *[other] { $number } messaggi precedenti non sono ancora su questo dispositivo. Arrivano quando scorri fin lì.
    }
history-fetch = Scarica in anticipo i messaggi precedenti
history-never = Mai
history-wifi = Solo con il Wi-Fi
history-always = Sempre
history-ask = Scaricare i messaggi precedenti?
history-ask-what = Verranno scaricati circa { $size }, prima i più recenti. Puoi fermare tutto quando vuoi e riprendere dopo.
history-ask-yes = Scarica
history-progress = Cronologia scaricata
history-figures = { $done } messaggi su { $all }, { $percent } %
history-left = ancora circa { $size }
history-paused = In pausa.
history-waits-wifi = In attesa del Wi-Fi.
history-waits-connection = Riprende quando c’è connessione.
history-pause = Pausa
history-resume = Riprendi
